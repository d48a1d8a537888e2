// A reader for writer.py: tells each write as soon as it is seen here.
//
//	reader_go FOLDER WRITES
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"ndb"
)

// monotonic is CLOCK_MONOTONIC, which Go keeps to itself.
func monotonic() int64 {
	const clockMonotonic = 1
	var now syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}

func main() {
	if err := follow(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func follow(folder, writes string) error {
	last, err := strconv.ParseUint(writes, 10, 64)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	db, err := ndb.Open(folder, &ndb.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	docs, err := db.GetCollection(ctx, "docs")
	if err != nil {
		return err
	}
	defer docs.Close()
	fmt.Println("ready")
	for seq := uint64(1); seq <= last; seq++ {
		if err := docs.WaitFor(ctx, seq); err != nil {
			return err
		}
		count, err := docs.Count(ctx, ndb.Filter{})
		if err != nil {
			return err
		}
		fmt.Println(seq, count, monotonic())
	}
	return nil
}
