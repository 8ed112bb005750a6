package otlp

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"net/http"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := stdgzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReceiveHTTP(t *testing.T) {
	store := NewStore()
	r := listen(t, Config{Store: store, HTTP: "127.0.0.1:0"})
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	post := func(path, kind, encoding string, body []byte) (int, []byte) {
		t.Helper()
		q, err := http.NewRequest(http.MethodPost, "http://"+r.AddrHTTP()+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", kind)
		if encoding != "" {
			q.Header.Set("Content-Encoding", encoding)
		}
		resp, err := c.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, data
	}
	const protobuf = "application/x-protobuf"
	encoded := func(q *coltrace.ExportTraceServiceRequest) []byte {
		data, err := proto.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if code, _ := post("/v1/traces", protobuf, "", encoded(request(span(1, 1, "publish mesh")))); code != http.StatusOK {
		t.Errorf("as it is: %d", code)
	}
	code, data := post("/v1/traces", protobuf, "gzip", zipped(t, encoded(request(span(1, 2, "process mesh"), span(1, 0, "no id")))))
	var answer coltrace.ExportTraceServiceResponse
	if err := proto.Unmarshal(data, &answer); code != http.StatusOK || err != nil || answer.PartialSuccess.GetRejectedSpans() != 1 {
		t.Errorf("zipped: %d, %v, %v", code, &answer, err)
	}
	if spans := store.Trace(TraceID{15: 1}); len(spans) != 2 || spans[0].Who != "peer-1-ab12" {
		t.Errorf("kept %+v", spans)
	}
	good := encoded(request(span(2, 1, "publish mesh")))
	for _, test := range []struct {
		name, path, kind, encoding string
		body                       []byte
		code                       int
	}{
		{"JSON", "/v1/traces", "application/json", "", []byte("{}"), 415},
		{"what a form sends", "/v1/traces", "text/plain", "", good, 415},
		{"no protobuf", "/v1/traces", protobuf, "", []byte("hello"), 400},
		{"not zipped", "/v1/traces", protobuf, "gzip", good, 400},
		{"another encoding", "/v1/traces", protobuf, "br", good, 400},
		{"too long", "/v1/traces", protobuf, "", make([]byte, maxRequest+1), 413},
		{"too long once it is unpacked", "/v1/traces", protobuf, "gzip", zipped(t, make([]byte, maxRequest+1)), 413},
		{"metrics", "/v1/metrics", protobuf, "", nil, 404},
	} {
		if code, data := post(test.path, test.kind, test.encoding, test.body); code != test.code {
			t.Errorf("%s: %d %s, want %d", test.name, code, data, test.code)
		}
	}
	if n := len(store.Trace(TraceID{15: 2})); n != 0 {
		t.Errorf("%d spans were kept of what was refused", n)
	}
	if _, err := Listen(Config{HTTP: r.AddrHTTP()}); err == nil {
		t.Error("two listen at one address")
	}
}
