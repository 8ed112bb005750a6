package otlp

import (
	"strings"
	"testing"
)

type env map[string]string

func (e env) get(name string) string { return e[name] }

func TestReadTarget(t *testing.T) {
	for _, test := range []struct {
		env   env
		want  string // the address
		wrong string // what the error speaks of
	}{
		{env{}, "", ""},
		{env{envEndpoint: "http://collector:4317"}, "collector:4317", ""},
		{env{envEndpoint: "https://collector"}, "collector:4317", ""},
		{env{envEndpoint: "http://[::1]"}, "[::1]:4317", ""},
		{env{envEndpoint: "http://collector:4317", "OTEL_SDK_DISABLED": "true"}, "", ""},
		{env{envEndpoint: "collector:4317"}, "", "write it as http://host:4317"},
		{env{envEndpoint: "http://collector:4318", envProtocol: "http/protobuf"}, "", "set it to grpc"},
		{env{envEndpoint: "https://collector:4317", envCertificate: "/nowhere"}, "", envCertificate},
		{env{envEndpoint: "http://collector:4317", envHeaders: "secret"}, "", "key=value"},
	} {
		got, ok, err := ReadTarget(test.env.get)
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v: %v", test.env, err)
			}
			continue
		}
		if err != nil || ok != (test.want != "") || got.Address != test.want {
			t.Errorf("%v: %q, %v, %v", test.env, got.Address, ok, err)
		}
	}
	got, _, err := ReadTarget(env{envEndpoint: "http://c:1", envHeaders: "api-key=a%20b, X-Team = red"}.get)
	if err != nil || got.headers.Get("api-key")[0] != "a b" || got.headers.Get("x-team")[0] != "red" {
		t.Errorf("headers %v, %v", got.headers, err)
	}
}

func TestParseTraceID(t *testing.T) {
	const good = "4bf92f3577b34da6a3ce929d0e0e4736"
	if id, err := ParseTraceID(good); err != nil || id.String() != good {
		t.Errorf("%v, %v", id, err)
	}
	for _, bad := range []string{"", "4b", good + "00", strings.Repeat("0", 32), strings.Repeat("g", 32)} {
		if _, err := ParseTraceID(bad); err == nil {
			t.Errorf("%q passes for a trace id", bad)
		}
	}
}
