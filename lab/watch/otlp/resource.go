package otlp

import (
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
)

// Resource is who sent a span, as far as the lab needs to know.
type Resource struct {
	Service  string // service.name: peer, or lab
	Instance string // service.instance.id: peer-3-9f2c
	PeerID   string // hearsay.id; empty for whoever is no peer
}

func readResource(r *resourcepb.Resource) *Resource {
	out := &Resource{}
	for _, kv := range r.GetAttributes() {
		switch kv.Key {
		case "service.name":
			out.Service = kv.Value.GetStringValue()
		case "service.instance.id":
			out.Instance = kv.Value.GetStringValue()
		case "hearsay.id":
			out.PeerID = kv.Value.GetStringValue()
		}
	}
	return out
}

func (r *Resource) proto() *resourcepb.Resource {
	out := &resourcepb.Resource{Attributes: []*commonpb.KeyValue{String("service.name", r.Service)}}
	if r.Instance != "" {
		out.Attributes = append(out.Attributes, String("service.instance.id", r.Instance))
	}
	if r.PeerID != "" {
		out.Attributes = append(out.Attributes, String("hearsay.id", r.PeerID))
	}
	return out
}

// String is an attribute.
func String(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}
