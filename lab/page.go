package main

import (
	"fmt"
	"net/url"

	"hearsay/lab/control"
	"hearsay/lab/fleet"
	"hearsay/lab/web"
)

// page adds the page to what the lab serves. Its links to traces lead to jaeger, if that is not empty.
func (l *lab) page(jaeger string) error {
	if u, err := url.Parse(jaeger); jaeger != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return misused(fmt.Errorf("--jaeger %s is no address: write it as http://127.0.0.1:16686", jaeger))
	}
	token, why := l.server.Token(), ""
	if l.readOnly {
		token, why = "", control.Watches(l.why)
	}
	web.Routes(l.server.Mux(), web.Config{
		Watch: l.watch, Name: l.server.Name(), Engine: l.fleet.Engine(), Token: token, Why: why, Jaeger: jaeger,
		Can: func(fault string) error { return l.fleet.Can(fleet.Fault(fault)) },
	})
	return nil
}
