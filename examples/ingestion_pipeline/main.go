// Ingestion in the background: events come in, several goroutines make vectors of them, one writes them in batches, and searches go on all the
// while. Channels are bounded, so a slow disk slows the source down rather than fill the memory. Ids come from the events, so that what was
// read twice after a restart is there once.
//
//	ingestion_pipeline FOLDER [EVENTS]
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"strconv"
	"sync"
	"time"

	"ndb"
)

const (
	dim       = 64
	embedders = 4
	batchRows = 256
	batchWait = 50 * time.Millisecond // a batch that is not full is written after this
)

type event struct {
	number int
	kind   string
}

// embed stands for what takes the time: a model.
func embed(e event) ndb.Document {
	vector := make([]float32, dim)
	for i := range vector {
		vector[i] = float32(math.Sin(float64((e.number%97+1)*(i+1)))) + 0.01*float32(e.number%13)
	}
	return ndb.Document{ID: fmt.Sprintf("event-%08d", e.number), Vector: vector, Payload: ndb.MustJSON(map[string]any{"kind": e.kind, "number": e.number})}
}

// source sends events until it is through, or the context is done.
func source(ctx context.Context, count int, events chan<- event) {
	defer close(events)
	for number := 0; number < count; number++ {
		select {
		case events <- event{number, []string{"view", "order", "return"}[number%3]}:
		case <-ctx.Done():
			return
		}
	}
}

func embedAll(events <-chan event, documents chan<- ndb.Document) {
	var running sync.WaitGroup
	for i := 0; i < embedders; i++ {
		running.Add(1)
		go func() {
			defer running.Done()
			for e := range events {
				documents <- embed(e)
			}
		}()
	}
	running.Wait()
	close(documents)
}

// write batches what comes, by number and by time. What came before the context ended is written, too.
func write(docs *ndb.Collection, documents <-chan ndb.Document) (written uint64, err error) {
	var batch []ndb.Document
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		for wait := time.Millisecond; ; wait *= 2 {
			result, err := docs.InsertBatch(context.Background(), batch)
			if errors.Is(err, ndb.ErrOverloaded) && wait < time.Minute { // back-pressure: index builds are behind
				time.Sleep(wait)
				continue
			}
			written += result.Inserted + result.Replaced
			batch = batch[:0]
			return err
		}
	}
	ticks := time.NewTicker(batchWait)
	defer ticks.Stop()
	for {
		select {
		case document, more := <-documents:
			if !more {
				return written, flush()
			}
			if batch = append(batch, document); len(batch) < batchRows {
				continue
			}
		case <-ticks.C:
		}
		if err := flush(); err != nil {
			return written, err
		}
	}
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(arguments []string) error {
	folder, count := arguments[0], 20_000
	if len(arguments) > 1 {
		var err error
		if count, err = strconv.Atoi(arguments[1]); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	db, err := ndb.Open(folder, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	docs, err := db.CreateCollection(ctx, "events", ndb.CollectionConfig{Dim: dim})
	if errors.Is(err, ndb.ErrAlreadyExists) {
		docs, err = db.GetCollection(ctx, "events")
	}
	if err != nil {
		return err
	}
	defer docs.Close()

	events, documents := make(chan event, 1024), make(chan ndb.Document, 2*batchRows)
	go source(ctx, count, events)
	go embedAll(events, documents)
	type outcome struct {
		written uint64
		err     error
	}
	ended := make(chan outcome, 1)
	start := time.Now()
	go func() {
		written, err := write(docs, documents)
		ended <- outcome{written, err}
	}()

	searches, seq := 0, uint64(0)
	query := embed(event{number: 96}).Vector
	for {
		select {
		case end := <-ended:
			if end.err != nil {
				return end.err
			}
			left, err := docs.Count(ctx, ndb.Eq("kind", "order"))
			if err != nil {
				return err
			}
			fmt.Printf("%d events in %.2f s; meanwhile %d searches, each at a newer state or the same\n", end.written, time.Since(start).Seconds(), searches)
			fmt.Printf("%d orders among them\n", left)
			if end.written != uint64(count) || left != uint64(count+1)/3 {
				return fmt.Errorf("%d events are not %d", end.written, count)
			}
			return nil
		default:
			result, err := docs.Search(ctx, ndb.Search{Vector: query, Filter: ndb.Eq("kind", "order")})
			if err != nil {
				return err
			}
			if result.Seq < seq {
				return errors.New("went back")
			}
			searches, seq = searches+1, result.Seq
		}
	}
}
