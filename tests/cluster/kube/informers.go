package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// informerSpec is one informer of a program of client-go.
type informerSpec struct {
	Name string
	// Client is json, protobuf (JSON where the server likes that better), protobuf-only, dynamic or metadata.
	Client                                  string
	Group, Version, Resource                string
	Namespace, LabelSelector, FieldSelector string
}

// informerState is what the cache of an informer has, and what its handlers were told.
type informerState struct {
	Synced bool `json:"synced"`
	// Objects by namespace/name, as uid@resourceVersion.
	Objects map[string]string `json:"objects"`
	// Handled is the same as the handlers know it.
	Handled map[string]string `json:"handled"`
	Events  int               `json:"events"`
	// Errors of lists and watches, which are tried again.
	Errors    int    `json:"errors"`
	LastError string `json:"lastError"`
	// Problems are calls of handlers that a correct sequence of events cannot lead to.
	Problems []string `json:"problems"`
}

type watchedInformer struct {
	informer cache.SharedIndexInformer
	mu       sync.Mutex
	state    informerState
}

func informersCommand() *cobra.Command {
	var server, file string
	var port int
	var watchList, inCluster bool
	command := &cobra.Command{
		Use:   "informers",
		Short: "Run informers of client-go and answer GET / on 127.0.0.1:PORT with what their caches have, as JSON.",
		RunE: func(*cobra.Command, []string) error {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			if err := utilfeature.DefaultMutableFeatureGate.Set(fmt.Sprintf("WatchListClient=%t", watchList)); err != nil {
				return err
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			var specs []informerSpec
			if err := json.Unmarshal(text, &specs); err != nil {
				return err
			}
			config := &rest.Config{Host: server}
			if inCluster {
				if config, err = inClusterConfig(); err != nil {
					return err
				}
			}
			return runInformers(ctx, config, port, specs)
		},
		SilenceUsage: true,
	}
	command.Flags().StringVar(&server, "server", "", "http://127.0.0.1:PORT of a hub; no credentials are sent")
	command.Flags().BoolVar(&inCluster, "in-cluster", false, "ask whom the environment of a pod names, as its service account, in place of --server")
	command.Flags().StringVar(&file, "informers", "", "file with the informers, as JSON")
	command.Flags().IntVar(&port, "port", 0, "where the caches can be read")
	command.Flags().BoolVar(&watchList, "watch-list", true, "ask for the state by WatchList, as client-go does since 1.35, else by list and watch")
	return command
}

// inClusterConfig is that of every program in a pod. Without a mount namespace the pod's files are elsewhere.
func inClusterConfig() (*rest.Config, error) {
	config, err := rest.InClusterConfig()
	folder := os.Getenv("MOUNT_var_run_secrets_kubernetes_io_serviceaccount")
	if err == nil || folder == "" {
		return config, err
	}
	return &rest.Config{
		Host:            "https://" + net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")),
		TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(folder, "ca.crt")},
		BearerTokenFile: filepath.Join(folder, "token"),
	}, nil
}

func runInformers(ctx context.Context, config *rest.Config, port int, specs []informerSpec) error {
	watched := map[string]*watchedInformer{}
	for _, spec := range specs {
		informer, err := newInformer(config, spec)
		if err != nil {
			return err
		}
		one := &watchedInformer{informer: informer, state: informerState{Handled: map[string]string{}, Problems: []string{}}}
		if err := one.follow(); err != nil {
			return err
		}
		watched[spec.Name] = one
		go informer.RunWithContext(ctx)
	}
	answer := func(w http.ResponseWriter, _ *http.Request) {
		states := map[string]informerState{}
		for name, one := range watched {
			states[name] = one.read()
		}
		_ = json.NewEncoder(w).Encode(states)
	}
	listener := &http.Server{Addr: fmt.Sprintf("127.0.0.1:%d", port), Handler: http.HandlerFunc(answer)}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	if err := listener.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newInformer(base *rest.Config, spec informerSpec) (cache.SharedIndexInformer, error) {
	config := rest.CopyConfig(base)
	config.QPS, config.UserAgent = -1, "informers/"+spec.Name
	resource := schema.GroupVersionResource{Group: spec.Group, Version: spec.Version, Resource: spec.Resource}
	tweak := func(options *metav1.ListOptions) {
		options.LabelSelector, options.FieldSelector = spec.LabelSelector, spec.FieldSelector
	}
	switch spec.Client {
	case "dynamic":
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		return dynamicinformer.NewFilteredDynamicInformer(client, resource, spec.Namespace, 0, cache.Indexers{}, tweak).Informer(), nil
	case "metadata":
		client, err := metadata.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		return metadatainformer.NewFilteredMetadataInformer(client, resource, spec.Namespace, 0, cache.Indexers{}, tweak).Informer(), nil
	case "protobuf":
		config.ContentType = runtime.ContentTypeProtobuf
		config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	case "protobuf-only":
		config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf
	case "json":
		config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	default:
		return nil, fmt.Errorf("no such client: %q", spec.Client)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(spec.Namespace), informers.WithTweakListOptions(tweak))
	generic, err := factory.ForResource(resource)
	if err != nil {
		return nil, err
	}
	return generic.Informer(), nil
}

func (w *watchedInformer) follow() error {
	err := w.informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, r *cache.Reflector, err error) {
		w.mu.Lock()
		w.state.Errors++
		w.state.LastError = err.Error()
		w.mu.Unlock()
		cache.DefaultWatchErrorHandler(ctx, r, err)
	})
	if err != nil {
		return err
	}
	_, err = w.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { w.handle("added", object) },
		UpdateFunc: func(_, object any) { w.handle("updated", object) },
		DeleteFunc: func(object any) {
			if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = last.Obj
			}
			w.handle("deleted", object)
		},
	})
	return err
}

func (w *watchedInformer) handle(what string, object any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key, version, err := describe(object)
	if err != nil {
		klog.ErrorS(err, "An object that is none", "what", what)
		return
	}
	_, known := w.state.Handled[key]
	if known != (what != "added") {
		w.state.Problems = append(w.state.Problems, fmt.Sprintf("%s: %s %s at %s", time.Now().Format(time.StampMilli), what, key, version))
	}
	w.state.Events++
	if what == "deleted" {
		delete(w.state.Handled, key)
	} else {
		w.state.Handled[key] = version
	}
}

func (w *watchedInformer) read() informerState {
	w.mu.Lock()
	defer w.mu.Unlock()
	state := w.state
	state.Synced = w.informer.HasSynced()
	state.Objects = map[string]string{}
	for _, object := range w.informer.GetStore().List() {
		if key, version, err := describe(object); err == nil {
			state.Objects[key] = version
		}
	}
	state.Handled = map[string]string{}
	for key, version := range w.state.Handled {
		state.Handled[key] = version
	}
	state.Problems = append([]string{}, w.state.Problems...)
	return state
}

func describe(object any) (key, version string, err error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return "", "", err
	}
	key = cache.MetaObjectToName(accessor).String()
	return key, fmt.Sprintf("%s@%s", accessor.GetUID(), accessor.GetResourceVersion()), nil
}
