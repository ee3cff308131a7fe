package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// stopLimit is how long a part has after SIGTERM until it is killed.
const stopLimit = 5 * time.Second

// control is DIR/control.sock of a running `up`: a test ends and starts single parts through it, which else would be the
// end of the cluster.
//
//	POST /parts/NAME/stop    SIGTERM, SIGKILL after 5 s; answers when the part has ended
//	POST /parts/NAME/kill    SIGKILL
//	POST /parts/NAME/start   as before, with the same flags; answers as soon as the process runs
type control struct {
	mu       sync.Mutex
	launch   func(name string, args ...string) (*child, error)
	watch    func(name string, part *child)
	commands map[string][]string
	running  map[string]*child
	// Those whose end is wanted: it is not the cluster's.
	ending map[*child]bool
}

func (o *control) add(name string, args []string, part *child) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.commands[name], o.running[name] = args, part
}

func (o *control) isEnding(part *child) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ending[part]
}

func (o *control) stop(name string, signal syscall.Signal) error {
	o.mu.Lock()
	part := o.running[name]
	if part != nil {
		o.ending[part] = true
		delete(o.running, name)
	}
	o.mu.Unlock()
	if part == nil {
		return fmt.Errorf("%s does not run", name)
	}
	part.end(signal)
	return nil
}

func (o *control) start(name string) error {
	o.mu.Lock()
	args, part := o.commands[name], o.running[name]
	o.mu.Unlock()
	if args == nil || part != nil {
		return fmt.Errorf("%s cannot be started: unknown, or it runs", name)
	}
	part, err := o.launch(name, args...)
	if err != nil {
		return err
	}
	o.add(name, args, part)
	o.watch(name, part)
	return nil
}

// serve answers until the context ends.
func (o *control) serve(ctx context.Context, socket string) error {
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	answer := func(act func(name string) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if err := act(r.PathValue("name")); err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			fmt.Fprintln(w, "done")
		}
	}
	mux := http.NewServeMux()
	mux.Handle("POST /parts/{name}/stop", answer(func(name string) error { return o.stop(name, syscall.SIGTERM) }))
	mux.Handle("POST /parts/{name}/kill", answer(func(name string) error { return o.stop(name, syscall.SIGKILL) }))
	mux.Handle("POST /parts/{name}/start", answer(o.start))
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(listener) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return nil
}

// end sends the signal and waits for the end of the part, which SIGKILL brings about where the signal does not.
func (part *child) end(signal syscall.Signal) {
	_ = part.process.Signal(syscall.SIGCONT) // a test may have stopped it
	_ = part.process.Signal(signal)
	select {
	case <-part.gone:
	case <-time.After(stopLimit):
		_ = part.process.Kill()
		<-part.gone
	}
}
