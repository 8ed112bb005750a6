package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// Target is somebody else's collector, as the standard variables name it.
type Target struct {
	Variable string // that named it
	Address  string // host and port

	credentials credentials.TransportCredentials
	headers     metadata.MD
}

const (
	envEndpoint    = "OTEL_EXPORTER_OTLP_ENDPOINT"
	envProtocol    = "OTEL_EXPORTER_OTLP_PROTOCOL"
	envHeaders     = "OTEL_EXPORTER_OTLP_HEADERS"
	envCertificate = "OTEL_EXPORTER_OTLP_CERTIFICATE"
)

// ReadTarget reads OTEL_EXPORTER_OTLP_ENDPOINT and the variables that go with it. Without an endpoint ok is false.
// An error says what to set.
func ReadTarget(getenv func(string) string) (t Target, ok bool, err error) {
	env := func(name string) string { return strings.TrimSpace(getenv(name)) }
	endpoint := env(envEndpoint)
	if endpoint == "" || strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") {
		return t, false, nil
	}
	if p := env(envProtocol); p != "" && p != "grpc" {
		return t, false, fmt.Errorf("%s=%s is not spoken here; set it to grpc, and the endpoint to the collector's port for that, usually 4317", envProtocol, p)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return t, false, fmt.Errorf("%s=%s is no address; write it as http://host:4317, or https:// for TLS", envEndpoint, endpoint)
	}
	t = Target{Variable: envEndpoint, Address: u.Host, credentials: insecure.NewCredentials()}
	if u.Port() == "" {
		t.Address = net.JoinHostPort(u.Hostname(), "4317")
	}
	if u.Scheme == "https" {
		if t.credentials, err = certificates(env(envCertificate)); err != nil {
			return t, false, err
		}
	}
	t.headers, err = readHeaders(env(envHeaders))
	return t, err == nil, err
}

// certificates trusts those of a file, or the system's.
func certificates(file string) (credentials.TransportCredentials, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", envCertificate, err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s=%s holds no certificate in PEM", envCertificate, file)
		}
	}
	return credentials.NewTLS(cfg), nil
}

// readHeaders reads key=value,key=value, with values as in URLs.
func readHeaders(s string) (metadata.MD, error) {
	md := metadata.MD{}
	for pair := range strings.SplitSeq(s, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || err != nil || key == "" {
			return nil, fmt.Errorf("%s: a header is key=value; several are joined by commas", envHeaders) // not what it says: it may be a secret
		}
		md.Append(strings.ToLower(key), value)
	}
	return md, nil
}
