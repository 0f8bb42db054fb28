package handshake

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

var update = flag.Bool("update", false, "rewrite docs/STATES.md")

const statesFile = "../docs/STATES.md"

// edge is one kind of transition.
type edge struct {
	diagram
	from, to, label string
}

// diagram is where an edge is drawn: there is one for each side and version.
type diagram struct {
	client  bool
	version iana.Version // 0 = unknown, or any
}

var diagrams = []diagram{{true, iana.TLS13}, {true, iana.TLS12}, {false, iana.TLS13}, {false, iana.TLS12}}

func (d diagram) String() string {
	if d.client {
		return fmt.Sprintf("Client, %v", d.version)
	}
	return fmt.Sprintf("Server, %v", d.version)
}

// graph is what transitions have been made.
type graph struct {
	mu    sync.Mutex
	edges map[edge]bool
}

func newGraph() *graph { return &graph{edges: map[edge]bool{}} }

func (g *graph) add(e edge) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.edges[e] = true
}

// labels are what leads on from a state.
func (g *graph) labels(d diagram, from string) map[string]bool {
	set := map[string]bool{}
	for e := range g.edges {
		if e.diagram == d && e.from == from {
			set[e.label] = true
		}
	}
	if set["hello_retry_request"] {
		set[iana.ServerHello.String()] = true
	}
	return set
}

// made are the transitions that all tests of this package have made together.
var made = newGraph()

// TestMain fails if a test has made a transition that docs/STATES.md does not have.
func TestMain(m *testing.M) {
	observe = func(m *Machine, from, to state) {
		e := edge{diagram: diagram{client: m.client}, from: stateName(from), to: stateName(to)}
		made.add(e)
		if s, ok := sides.Load(m); ok && s.(*side).graph != nil {
			e.version, e.label = s.(*side).version, s.(*side).label(from, to)
			s.(*side).graph.add(e)
		}
	}
	code := m.Run()
	if code == 0 && !*update {
		code = checkMade()
	}
	os.Exit(code)
}

func checkMade() int {
	text, err := os.ReadFile(statesFile)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	known := parseStates(text)
	code := 0
	for e := range made.edges {
		if e.from, e.to = node(e.from), node(e.to); !known[e] {
			fmt.Printf("a test made %s of a transition that docs/STATES.md does not have: %s to %s\n", role(e.client), e.from, e.to)
			code = 1
		}
	}
	return code
}

// label says what took the Machine from one state to another.
func (s *side) label(from, to state) string {
	switch from.(type) {
	case waiting:
		return "answer"
	case mover:
		return "sends " + s.sent.String()
	case *expectChangeCipherSpec:
		return "change_cipher_spec"
	case *expectServerHello:
		if _, again := to.(*expectServerHello); again {
			return "hello_retry_request"
		}
	}
	return s.received.String()
}

// TestStateGraph draws the transitions of all scenarios and compares the picture with
// docs/STATES.md.
func TestStateGraph(t *testing.T) {
	_, g := walk(t)
	got := g.draw()
	if *update {
		if err := os.MkdirAll(filepath.Dir(statesFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(statesFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(statesFile)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	old, now := linesOf(want), linesOf(got)
	for _, line := range old {
		if !slices.Contains(now, line) {
			t.Errorf("docs/STATES.md has a line that no test makes: %s", line)
		}
	}
	for _, line := range now {
		if !slices.Contains(old, line) {
			t.Errorf("docs/STATES.md lacks a line: %s", line)
		}
	}
	t.Error("if this is meant: go test ./handshake -run TestStateGraph -update")
}

// linesOf returns the lines of a page, each with the title of its diagram.
func linesOf(page []byte) (list []string) {
	title := ""
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if after, ok := strings.CutPrefix(line, "## "); ok {
			title = after + ": "
		}
		list = append(list, title+line)
	}
	return list
}

// TestEveryStateIsReached holds the scenarios to the code: they pass through each type that is a
// state, and each question is asked.
func TestEveryStateIsReached(t *testing.T) {
	reached := map[string]bool{"closed": true} // where failsWith finds every failed Machine
	_, g := walk(t)
	for e := range g.edges {
		reached[e.from], reached[e.to] = true, true
		if strings.HasPrefix(e.from, "await ") {
			reached["await"] = true
		}
	}
	types := stateTypes(t)
	if len(types) < 10 {
		t.Errorf("the package has the states %v: too few to be true", types)
	}
	for _, name := range types {
		if !reached[name] {
			t.Errorf("no scenario reaches the state %s", name)
		}
	}
	for _, q := range questions() {
		if !reached["await "+q.String()] {
			t.Errorf("no scenario is asked for %v", q)
		}
	}
}

// stateTypes finds the types of the package that are states: those with a method accepts.
func stateTypes(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "accepts" {
				names = append(names, receiver(f.Recv.List[0].Type))
			}
		}
	}
	return names
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return fmt.Sprintf("%T", e)
}

func role(client bool) string {
	if client {
		return "client"
	}
	return "server"
}

const statesHeader = `# The states of a handshake

This page is made by ` + "`go test ./handshake -run TestStateGraph -update`" + ` from what the tests do, and is not to be
edited. A recorder is told of every transition of every Machine while the tests run all handshakes that
succeed: without client authentication, with it and a certificate, with it and none; each of these with and
without a HelloRetryRequest; each of these with every subset of the questions that an application can take; and tickets and
key updates after each. TestStateGraph fails if an arrow on this page was not made in these runs, or if one was made
that is not on this page; no other test of the package may make one that is not here either.
For TLS 1.2 there are handshakes with ECDHE and with RSA key exchange, each with an OCSP response and with one that
is announced and does not come; and handshakes that make a session, that resume one, with a new ticket and without, and that
offer one in vain, each by ticket and by session ID.

A state bears the name of its Go type in package handshake, and waits for what the arrows that leave it
say: a handshake message from the peer, or, in the states called await, the application's answer to the question named
(type await). What is not drawn: from every state an error, Abort and Close lead to the state closed, which
is left by nothing.
`

// draw returns the whole page.
func (g *graph) draw() []byte {
	var b bytes.Buffer
	b.WriteString(statesHeader)
	for _, d := range diagrams {
		fmt.Fprintf(&b, "\n## %v\n\n```mermaid\nstateDiagram-v2\n", d)
		start := "expectClientHello"
		if d.client {
			start = "sendClientHello"
		}
		edges := g.order(d, start)
		declared := map[string]bool{}
		for _, e := range edges {
			if name := node(e.to); name != e.to && !declared[name] {
				declared[name] = true
				fmt.Fprintf(&b, "    state %q as %s\n", e.to, name)
			}
		}
		fmt.Fprintf(&b, "    [*] --> %s\n", start)
		for _, e := range edges {
			fmt.Fprintf(&b, "    %s --> %s: %s\n", node(e.from), node(e.to), e.label)
		}
		b.WriteString("```\n")
	}
	return b.Bytes()
}

// order lists the edges of a diagram from the start on, by width, then by label.
func (g *graph) order(d diagram, start string) (edges []edge) {
	names := []string{start}
	for i := 0; i < len(names); i++ {
		var next []edge
		for e := range g.edges {
			if e.diagram == d && e.from == names[i] {
				next = append(next, e)
			}
		}
		slices.SortFunc(next, func(a, b edge) int {
			return strings.Compare(a.label+" "+a.to, b.label+" "+b.to)
		})
		for _, e := range next {
			if !slices.Contains(names, e.to) {
				names = append(names, e.to)
			}
		}
		edges = append(edges, next...)
	}
	return edges
}

// node is a state's name as Mermaid wants it: without spaces.
func node(name string) string { return strings.ReplaceAll(name, " ", "_") }

// parseStates reads the edges of a page that draw made, without their labels and versions.
func parseStates(text []byte) map[edge]bool {
	known := map[edge]bool{}
	client := false
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "## "):
			client = strings.HasPrefix(line, "## Client")
		case len(fields) > 3 && fields[1] == "-->":
			e := edge{diagram: diagram{client: client}, from: fields[0], to: strings.TrimSuffix(fields[2], ":")}
			known[e] = true
		}
	}
	return known
}
