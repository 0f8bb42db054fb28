package cli

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
)

// maxPages bounds the connections that a page shows: the latest.
const maxPages = 50

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Start writes a page without connections, so that a file that cannot be written is
// known at once.
func (o *Output) Start() error {
	if o.HTML == "" {
		return nil
	}
	return o.writePage(nil)
}

// writePage adds a connection that is over to the page, and writes the page anew.
func (o *Output) writePage(r *Recorder) error {
	if r != nil {
		o.pages = append(o.pages, r)
	}
	if len(o.pages) > maxPages {
		o.pages = append(o.pages[:0], o.pages[1:]...)
	}
	var b bytes.Buffer
	drawings := make([]drawing, len(o.pages))
	for i, r := range o.pages {
		drawings[i] = r.drawing()
	}
	if err := pageTemplate.Execute(&b, drawings); err != nil {
		return fmt.Errorf("--trace-html %s: %w", o.HTML, err)
	}
	if err := replaceFile(o.HTML, b.Bytes()); err != nil {
		return fmt.Errorf("--trace-html: %w", err)
	}
	return nil
}

// replaceFile writes a file in one step, so that nobody reads half of it.
func replaceFile(name string, text []byte) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, text, 0o644) // a device or a pipe stays what it is
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
