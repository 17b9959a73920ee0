package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ioctl requests of linux/nbd.h.
const (
	nbdSetSock       = 0xab00
	nbdSetBlockSize  = 0xab01
	nbdDoIt          = 0xab03
	nbdSetSizeBlocks = 0xab07
	nbdDisconnect    = 0xab08
	nbdSetFlags      = 0xab0a
)

// Flags, commands and magic numbers of the transmission:
// https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
const (
	hasFlags, sendsFlush, sendsFUA     = 1, 4, 8
	cmdRead, cmdWrite, cmdEnd, cmdSync = 0, 1, 2, 3
	flagFUA                            = 1 << 16
	requestMagic, replyMagic           = 0x25609513, 0x67446698
	maxRequest                         = 32 << 20
)

// device is a kernel's block device that a medium serves.
type device struct {
	path   string
	medium *medium
	file   *os.File
	ended  chan error // the kernel's word, then the server's
}

// attach returns when the device can be used.
func (d *device) attach() error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	kernel, ours := fds[0], os.NewFile(uintptr(fds[1]), "server")
	if d.file, err = os.OpenFile(d.path, os.O_RDWR, 0); err != nil {
		return err
	}
	fd := int(d.file.Fd())
	for _, set := range []struct{ request, value int }{
		{nbdSetBlockSize, blockSize},
		{nbdSetSizeBlocks, len(d.medium.safe) / blockSize},
		{nbdSetFlags, hasFlags | sendsFlush | sendsFUA},
		{nbdSetSock, kernel},
	} {
		if err := unix.IoctlSetInt(fd, uint(set.request), set.value); err != nil {
			return fmt.Errorf("cannot set up %q: request %#x: %w", d.path, set.request, err)
		}
	}
	d.ended = make(chan error, 2)
	go func() { d.ended <- d.medium.serve(ours) }()
	go func() {
		runtime.LockOSThread() // it is the kernel's for as long as the device is there
		err := unix.IoctlSetInt(fd, nbdDoIt, 0)
		d.ended <- errors.Join(err, unix.Close(kernel))
	}()
	return nil
}

// detach waits until the kernel has let the device go, and with it all pages.
func (d *device) detach() error {
	err := unix.IoctlSetInt(int(d.file.Fd()), nbdDisconnect, 0)
	return errors.Join(err, <-d.ended, <-d.ended, d.file.Close())
}

// serve answers requests until the kernel has no more.
func (m *medium) serve(conn *os.File) error {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 1<<20)
	for {
		var r struct {
			Magic, Type  uint32
			Handle, From uint64
			Length       uint32
		}
		if err := binary.Read(in, binary.BigEndian, &r); err != nil {
			return err
		}
		if r.Magic != requestMagic || r.Length > maxRequest {
			return fmt.Errorf("the kernel asks %+v", r)
		}
		if r.Type&0xffff == cmdEnd {
			return nil
		}
		var data []byte
		if r.Type&0xffff != cmdSync {
			data = make([]byte, r.Length)
		}
		ok := false
		switch r.Type & 0xffff {
		case cmdRead:
			ok = m.read(data, int64(r.From))
		case cmdWrite:
			if _, err := io.ReadFull(in, data); err != nil {
				return err
			}
			ok, data = m.write(data, int64(r.From), r.Type&flagFUA != 0), nil
		case cmdSync:
			ok = m.flush()
		}
		if err := answer(conn, r.Handle, ok, data); err != nil {
			return err
		}
	}
}

// answer says that a request is done, with data if it was to read, or failed.
func answer(conn io.Writer, handle uint64, ok bool, data []byte) error {
	reply := binary.BigEndian.AppendUint32(nil, replyMagic)
	if ok {
		reply = binary.BigEndian.AppendUint32(reply, 0)
	} else {
		reply, data = binary.BigEndian.AppendUint32(reply, uint32(unix.EIO)), nil
	}
	reply = binary.BigEndian.AppendUint64(reply, handle)
	_, err := conn.Write(append(reply, data...))
	return err
}
