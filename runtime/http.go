package runtime

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasi"
)

// Handler answers HTTP requests with a program that exports
// wasi:http/incoming-handler, in any version 0.2.x. Each request is answered
// by a fresh instance, so that requests share nothing but what Config gives,
// which must be safe for concurrent use: a Stdout, for example.
//
//	p, err := runtime.Compile(ctx, wasm, "site")
//	if err != nil { … }
//	http.Handle("/", &runtime.Handler{Program: p})
//
// The response is sent while the program writes it. Where the program traps,
// or returns without one, the answer is 500 Internal Server Error; where it
// does so in the middle of the body, the connection is broken off.
type Handler struct {
	Program *Program
	Config  Config
	// Error, when set, is told why a request was not answered; else the log of
	// package log is.
	Error func(r *http.Request, err error)
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started, err := h.serve(w, r)
	if err == nil {
		return
	}
	if h.Error != nil {
		h.Error(r, err)
	} else {
		log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	if started {
		panic(http.ErrAbortHandler)
	}
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (started bool, err error) {
	inst, err := h.Program.Instantiate(r.Context(), h.Config)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, inst.Close(context.WithoutCancel(r.Context()))) }()
	return inst.handleHTTP(w, r)
}

// HandleHTTP answers one request by a call of the exported
// wasi:http/incoming-handler. The error says why there is no response, or only
// part of one; nothing else is written to w then. See Handler for a fresh
// instance for each request.
func (i *Instance) HandleHTTP(w http.ResponseWriter, r *http.Request) error {
	_, err := i.handleHTTP(w, r)
	return err
}

func (i *Instance) handleHTTP(w http.ResponseWriter, r *http.Request) (started bool, err error) {
	f, err := i.incomingHandler()
	if err != nil {
		return false, err
	}
	host, err := i.engine.host()
	if err != nil {
		return false, err
	}
	e, args := host.Exchange(w, r, f.Type.Params[0].Type, f.Type.Params[1].Type)
	_, err = i.engine.call(r.Context(), f.Name, args)
	// Even after a trap: what the program may still hold of w ends here.
	if end := e.End(); err == nil {
		err = end
	}
	return e.Started(), err
}

// incomingHandler finds the export that answers requests.
func (i *Instance) incomingHandler() (Function, error) {
	for _, f := range i.engine.functions() {
		iface, name, _ := strings.Cut(f.Name, "#")
		if name != "handle" || !strings.HasPrefix(iface, "wasi:http/incoming-handler") || !wasi.Serves(iface) {
			continue
		}
		for _, p := range f.Type.Params {
			if p.Type.Kind != component.KindOwn || !i.engine.ofHost(p.Type.Resource) {
				return Function{}, fmt.Errorf("%s takes no request of the host's: its %s is not wasi:http's", f.Name, p.Name)
			}
		}
		if len(f.Type.Params) == 2 {
			return f, nil
		}
	}
	return Function{}, errors.New("the program exports no wasi:http/incoming-handler@0.2")
}
