package web

import (
	"embed"
	"io/fs"
	"net/http"
	"strconv"
)

//go:embed static
var files embed.FS

// policy is what the page may do: run and show what this server sent, and talk to this server. No script and no style
// stands in the document itself, so nothing that a peer says could become one; and where a browser knows trusted types
// no text can be made markup at all.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func guarded(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // another lab may be here tomorrow
}

func document() http.Handler {
	doc, err := files.ReadFile("static/index.html")
	if err != nil {
		panic("the page is not in the binary: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded(w.Header())
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(doc)))
		w.Write(doc)
	})
}

func static() http.Handler {
	sub, err := fs.Sub(files, "static")
	if err != nil {
		panic("the page is not in the binary: " + err.Error())
	}
	server := http.StripPrefix("/static/", http.FileServerFS(sub))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded(w.Header())
		if r.URL.Path == "/static/" || r.URL.Path[len(r.URL.Path)-1] == '/' {
			http.NotFound(w, r) // no lists of files
			return
		}
		server.ServeHTTP(w, r)
	})
}
