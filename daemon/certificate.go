package main

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateFiles is a certificate and its key in files, which are read again
// when they have changed. What cannot be used then changes nothing.
type certificateFiles struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	shown  *tls.Certificate
	seen   [2]fileMark // of the files when they were read last, well or not
	looked time.Time
}

// fileMark tells a file from the one that was there before.
type fileMark struct {
	size    int64
	changed time.Time
	node    fs.FileInfo // nil: there is none
}

func (m fileMark) same(o fileMark) bool {
	if m.node == nil || o.node == nil {
		return m.node == o.node
	}
	return m.size == o.size && m.changed.Equal(o.changed) && os.SameFile(m.node, o.node)
}

// lookAgain is how long a pair is trusted not to have changed.
const lookAgain = time.Second

func openCertificateFiles(cert, key string, log *slog.Logger) (*certificateFiles, error) {
	f := &certificateFiles{cert: cert, key: key, log: log, looked: time.Now()}
	f.seen = f.marks() // first: what changes meanwhile is read again
	var err error
	f.shown, err = f.load()
	if err != nil {
		return nil, fmt.Errorf("cannot use the certificate of tls_cert and tls_key: %w", err)
	}
	return f, nil
}

// get is for tls.Config.GetCertificate.
func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) >= lookAgain {
		f.looked = now
		f.refresh()
	}
	return f.shown, nil
}

func (f *certificateFiles) refresh() {
	marks := f.marks()
	if marks[0].same(f.seen[0]) && marks[1].same(f.seen[1]) {
		return
	}
	f.seen = marks
	fresh, err := f.load()
	if err != nil {
		f.log.Warn("The certificate has changed and cannot be used; the one before stays", "error", err)
		return
	}
	f.shown = fresh
	f.log.Info("The certificate has changed and is used now", "tls_cert", f.cert, "until", fresh.Leaf.NotAfter)
}

func (f *certificateFiles) marks() (marks [2]fileMark) {
	for i, path := range []string{f.cert, f.key} {
		if info, err := os.Stat(path); err == nil {
			marks[i] = fileMark{info.Size(), info.ModTime(), info}
		}
	}
	return marks
}

func (f *certificateFiles) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, err
	}
	return &pair, nil
}
