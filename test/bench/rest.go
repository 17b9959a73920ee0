package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/test/cluster"
)

const (
	submitters = 63 // with the one who reads, they are all that an address may have
	perCommit  = 100
	restJobs   = 6400
)

// restProbe is many clients who submit at once over HTTPS, beside the store alone,
// which writes the same rows in large commits.
func restProbe(*lab) probe {
	return probe{
		name: "rest",
		rows: []row{
			{name: "store alone", unit: rate, about: fmt.Sprintf("jobs with their rows of the audit log, %d in a commit, no API", perCommit)},
			{name: "bare HTTPS", unit: rate, about: "net/http, which answers as much and does nothing, under the load of the next rows"},
			{name: "bare CPU", unit: micros, about: "of the server for each request"},
			{name: "bare clients CPU", unit: micros},
			{name: "bare show p99", unit: millis},
			{name: "rest submits", unit: rate, to: "bare HTTPS", about: fmt.Sprintf("%d clients at once over HTTPS, by token", submitters), aims: []aim{atLeast(0.5, "store alone")}},
			{name: "rest CPU", unit: micros, to: "bare CPU", about: "of the dispatcher for each request"},
			{name: "rest clients CPU", unit: micros, to: "bare clients CPU"},
			{name: "rest show p50", unit: millis, about: "one more client reads meanwhile"},
			{name: "rest show p99", unit: millis, to: "bare show p99", aims: []aim{atMost(20)}},
			{name: "rest idle show p99", unit: millis, about: "the same when nobody submits"},
		},
		measure: measureREST,
	}
}

func measureREST(ctx context.Context, l *lab) ([]float64, error) {
	alone, err := storeAlone(ctx, l)
	if err != nil {
		return nil, err
	}
	bare, err := measureBare(ctx)
	if err != nil {
		return nil, err
	}
	real, err := measureDispatcher(ctx, l)
	if err != nil {
		return nil, err
	}
	return []float64{alone, bare.rate, bare.server, bare.clients, bare.p99, real.rate, real.server, real.clients, real.p50, real.p99, real.idle99}, nil
}

func measureDispatcher(ctx context.Context, l *lab) (load *restLoad, err error) {
	options := cluster.Options{Parent: l.dir, REST: true, DispatcherFlags: []string{"--rest-requests-per-second", "1000000", "--rest-burst", "1000000"}}
	if l.profile != "" {
		options.Profile = filepath.Join(l.profile, l.sample)
	}
	c, err := cluster.New(options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Dispatcher.Start(ctx); err != nil {
		return nil, err
	}
	remote, err := remoteUser(ctx, c)
	if err != nil {
		return nil, err
	}
	return loadREST(ctx, c.Dispatcher.PID(), remote)
}

// remoteUser makes a user with a token, and clients of his over HTTPS.
func remoteUser(ctx context.Context, c *cluster.Cluster) (func() *client.Client, error) {
	admin := client.New(client.Options{Socket: c.Socket()})
	defer admin.Close()
	if _, err := admin.CreateUser(ctx, api.NewUser{Name: "bench"}); err != nil {
		return nil, err
	}
	token, err := admin.CreateToken(ctx, api.NewToken{Name: "bench", User: "bench"})
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(filepath.Join(c.Dir, "dispatcher", "authority.pem"))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(ca)
	if block == nil {
		return nil, errors.New("authority.pem has no certificate")
	}
	where := client.Context{Name: "bench", URL: c.REST(), CA: string(pem.EncodeToMemory(block)), Token: token.Secret}
	return func() *client.Client {
		return client.New(client.Options{Server: &client.Server{Context: where}})
	}, nil
}
