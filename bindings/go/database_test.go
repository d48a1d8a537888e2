package ndb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCollectionsAreCreatedFoundListedAndDropped(t *testing.T) {
	db := openDatabase(t)
	config := CollectionConfig{Dim: 3, Distance: Dot, Durability: Sync, M: 8, EFConstruction: 64, EFSearch: 32, Quantization: QuantizationNone}
	docs := must(db.CreateCollection(ctx, "docs", config))
	defer docs.Close()
	equal(t, fmt.Sprint(docs.Config()), fmt.Sprint(config))
	equal(t, docs.Name(), "docs")
	other := must(db.CreateCollection(ctx, "a", CollectionConfig{Dim: 1}))
	defer other.Close()
	equal(t, fmt.Sprint(other.Config()), fmt.Sprint(CollectionConfig{Dim: 1, M: 16, EFConstruction: 200, EFSearch: 64}))
	equal(t, strings.Join(must(db.ListCollections(ctx)), " "), "a docs")
	equal(t, must(db.HasCollection(ctx, "docs")), true)
	equal(t, must(db.HasCollection(ctx, "nothing")), false)
	_, err := db.CreateCollection(ctx, "docs", config)
	refused(t, err, ErrAlreadyExists, "name")
	if err := db.DropCollection(ctx, "docs"); err != nil {
		t.Error(err)
	}
	_, err = db.GetCollection(ctx, "docs")
	refused(t, err, ErrNotFound, "name")
	_, err = docs.Count(ctx, Filter{})
	refused(t, err, ErrNotFound, "")
}

func TestWhatCannotBeIsRefusedUnderItsField(t *testing.T) {
	db := openDatabase(t)
	for _, one := range []struct {
		field, name string
		config      CollectionConfig
	}{{"dim", "x", CollectionConfig{}}, {"name", "a b", CollectionConfig{Dim: 3}}, {"name", "a\x00b", CollectionConfig{Dim: 3}}, {"hnsw.m", "x", CollectionConfig{Dim: 3, M: 1}},
		{"", "x", CollectionConfig{Dim: 3, Distance: 9}}} {
		_, err := db.CreateCollection(ctx, one.name, one.config)
		refused(t, err, ErrInvalidArgument, one.field)
	}
	_, err := Open("a\x00b", nil)
	refused(t, err, ErrInvalidArgument, "path")
	if _, err = Open("/proc/nothing/here", nil); err == nil {
		t.Error("opened")
	}
}

func TestAFolderThatIsOpenedReadOnlyIsNotWritten(t *testing.T) {
	countHandles(t)
	folder := t.TempDir()
	db := must(Open(folder, nil))
	docs := must(db.CreateCollection(ctx, "docs", CollectionConfig{Dim: 1}))
	must(docs.Insert(ctx, Document{ID: "a", Vector: []float32{1}}))
	docs.Close()
	db.Close()
	db = must(Open(folder, &Options{ReadOnly: true, PollInterval: time.Second, IndexThreads: 1, MemtableBytes: 1 << 20}))
	defer db.Close()
	docs = must(db.GetCollection(ctx, "docs"))
	defer docs.Close()
	equal(t, must(docs.Count(ctx, Filter{})), 1)
	_, err := docs.Insert(ctx, Document{ID: "b", Vector: []float32{1}})
	refused(t, err, ErrReadOnly, "")
}

func TestClosedThingsSaySo(t *testing.T) {
	countHandles(t)
	db := must(Open(t.TempDir(), nil))
	docs := must(db.CreateCollection(ctx, "docs", CollectionConfig{Dim: 1}))
	second := must(db.GetCollection(ctx, "docs"))
	docs.Close()
	docs.Close()
	_, err := docs.Count(ctx, Filter{})
	refused(t, err, ErrUnavailable, "")
	equal(t, must(second.Count(ctx, Filter{})), 0)
	for i := 0; i < 2; i++ {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err = second.Count(ctx, Filter{})
	refused(t, err, ErrUnavailable, "")
	_, err = db.ListCollections(ctx)
	refused(t, err, ErrUnavailable, "")
	second.Close()
}

func TestWhatIsForgottenIsFreed(t *testing.T) {
	countHandles(t)
	folder := t.TempDir()
	func() {
		db := must(Open(folder, nil))
		must(db.CreateCollection(ctx, "docs", CollectionConfig{Dim: 1}))
	}()
	deadline := time.Now().Add(time.Minute)
	for liveHandles.Load() != 0 && time.Now().Before(deadline) {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

func TestErrorsAreCodesToErrorsIs(t *testing.T) {
	_, docs := openDocs(t)
	_, err := docs.Get(ctx, "nobody")
	equal(t, errors.Is(err, ErrNotFound), true)
	equal(t, errors.Is(err, ErrTimeout), false)
	equal(t, ErrNotFound.String(), "not_found")
	equal(t, strings.HasPrefix(err.Error(), "ndb: "), true)
	equal(t, strings.Contains(fmt.Errorf("get: %w", err).Error(), "nobody"), true)
}

func TestContextsEndWhatWaitsAndLetNothingBegin(t *testing.T) {
	_, docs := openDocs(t)
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err := docs.Insert(done, Document{ID: "x", Vector: []float32{1, 1}})
	equal(t, errors.Is(err, context.Canceled), true)
	_, err = docs.Search(done, Search{Vector: []float32{0, 0}})
	equal(t, errors.Is(err, context.Canceled), true)
	equal(t, must(docs.Count(ctx, Filter{})), 3)

	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	err = docs.WaitFor(short, 99)
	equal(t, errors.Is(err, context.DeadlineExceeded) && errors.Is(err, ErrTimeout), true)

	canceling, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- docs.WaitFor(canceling, 99) }()
	go func() {
		_, err := docs.Search(canceling, Search{Vector: []float32{0, 0}, MinSeq: 99, Timeout: time.Hour})
		ended <- err
	}()
	cancel()
	for i := 0; i < 2; i++ {
		equal(t, errors.Is(<-ended, context.Canceled), true)
	}
	must(docs.InsertBatch(ctx, make96(t))) // lets the search that nobody waits for find its end
	equal(t, docs.WaitFor(ctx, 99), nil)
	_, err = docs.Flush(context.Background(), true)
	equal(t, err, nil)
}

func make96(*testing.T) []Document {
	documents := make([]Document, 96)
	for i := range documents {
		documents[i] = Document{ID: strconv.Itoa(i), Vector: []float32{float32(i), 1}}
	}
	return documents
}

func TestGoroutinesShareACollection(t *testing.T) {
	_, docs := openDocs(t)
	var all sync.WaitGroup
	for g := 0; g < 8; g++ {
		g := g
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 0; i < 50; i++ {
				must(docs.Insert(ctx, Document{ID: fmt.Sprint(g, "-", i%10), Vector: []float32{float32(i), 1}}))
				must(docs.Search(ctx, Search{Vector: []float32{0, 0}, TopK: 3}))
			}
		}()
	}
	closing := must(Open(t.TempDir(), nil))
	own := must(closing.CreateCollection(ctx, "own", CollectionConfig{Dim: 1}))
	for g := 0; g < 4; g++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				if _, err := own.Count(ctx, Filter{}); err != nil { // closed under way, by whichever goroutine
					refused(t, err, ErrUnavailable, "")
					return
				}
				own.Close()
			}
		}()
	}
	all.Wait()
	closing.Close()
	equal(t, must(docs.Count(ctx, Filter{})), 83)
}

// TestMain is also the other process of the tests: with NDB_READER set, it answers each sequence number that it hears with what it then sees.
func TestMain(m *testing.M) {
	if folder := os.Getenv("NDB_READER"); folder != "" {
		read(folder)
		return
	}
	os.Exit(m.Run())
}

func read(folder string) {
	db := must(Open(folder, nil))
	docs := must(db.GetCollection(ctx, "docs"))
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		seq := must(strconv.ParseUint(lines.Text(), 10, 64))
		fmt.Println(len(must(docs.Search(ctx, Search{Vector: []float32{0}, TopK: 100, MinSeq: seq, Timeout: time.Minute})).Matches))
	}
	_, err := docs.Insert(ctx, Document{ID: "mine", Vector: []float32{1}})
	fmt.Println(errors.Is(err, ErrCollectionLocked), err)
}

func TestOneProcessWritesAnotherReadsEachWriteAtOnce(t *testing.T) {
	countHandles(t)
	folder := t.TempDir()
	db := must(Open(folder, nil))
	defer db.Close()
	docs := must(db.CreateCollection(ctx, "docs", CollectionConfig{Dim: 1, Distance: Euclidean}))
	defer docs.Close()
	must(docs.Insert(ctx, Document{ID: "a", Vector: []float32{1}}))
	reader := exec.Command(os.Args[0])
	reader.Env = append(os.Environ(), "NDB_READER="+folder)
	reader.Stderr = os.Stderr
	input := must(reader.StdinPipe())
	lines := bufio.NewScanner(must(reader.StdoutPipe()))
	hear := func() string { lines.Scan(); return lines.Text() }
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	equal(t, hear(), "ready")
	for i := 2; i < 20; i++ {
		seq := must(docs.Insert(ctx, Document{ID: strconv.Itoa(i), Vector: []float32{float32(i)}})).Seq
		must(io.WriteString(input, fmt.Sprintln(seq)))
		equal(t, hear(), strconv.Itoa(i))
	}
	input.Close()
	refusal := hear()
	equal(t, strings.HasPrefix(refusal, "true ") && strings.Contains(refusal, strconv.Itoa(os.Getpid())), true)
	if err := reader.Wait(); err != nil {
		t.Error(err)
	}
}
