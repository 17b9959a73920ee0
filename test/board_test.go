package test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/octaskly/octaskly/test/cluster"
)

// rules is what of a file of Prometheus's rules is used here.
type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr string
			For         string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
}

// board is what of a board of Grafana's is used here.
type board struct {
	Title  string
	UID    string `json:"uid"`
	Panels []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
	Templating struct{ List []struct{ Definition string } }
}

var (
	quoted = regexp.MustCompile(`"[^"]*"`)
	series = regexp.MustCompile(`\b(octaskly|process|go)_[a-z_]+\b`)
	// selected is a metric with the labels that it must have.
	selected = regexp.MustCompile(`\b([a-z]+_[a-z_]+)\{([^}]*)\}`)
	labelled = regexp.MustCompile(`([a-z_]+)\s*(=~|!=|=)\s*"([^"]*)"`)
)

// What board and alerts name is there, in a dispatcher or a worker.
func TestBoardAndAlerts(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	w := c.Worker("w1")
	start(t, w)
	must(t, c, "run", "--", "true")
	exist := metricsOf(t, c.Dispatcher)
	for name, family := range metricsOf(t, w) {
		if exist[name] == nil {
			exist[name] = family
		}
	}
	named := map[string]bool{}
	for where, expr := range expressions(t) {
		for _, name := range series.FindAllString(quoted.ReplaceAllString(expr, `""`), -1) {
			named[exist.family(name)] = true
			if exist.family(name) == "" {
				t.Errorf("%s: there is no %s", where, name)
			}
		}
		exist.checkLabels(t, where, expr)
	}
	for name := range exist {
		if !named[name] && name != "octaskly_build_info" {
			t.Errorf("neither board nor alerts show %s", name)
		}
	}
}

// family is the name of that which a series belongs to; empty: there is none.
func (s scrape) family(name string) string {
	for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && s[base] != nil && (suffix == "") == (s[base].GetType().String() != "HISTOGRAM") {
			return base
		}
	}
	return ""
}

// checkLabels expects that each label of ours has the values that are asked for.
func (s scrape) checkLabels(t *testing.T, where, expr string) {
	t.Helper()
	for _, selector := range selected.FindAllStringSubmatch(expr, -1) {
		values := map[string][]string{}
		for _, m := range s[s.family(selector[1])].GetMetric() {
			for _, l := range m.Label {
				values[l.GetName()] = append(values[l.GetName()], l.GetValue())
			}
		}
		for _, label := range labelled.FindAllStringSubmatch(selector[2], -1) {
			if label[1] == "instance" || label[1] == "job" {
				continue
			}
			for value := range strings.SplitSeq(label[3], "|") {
				if !slices.Contains(values[label[1]], value) {
					t.Errorf("%s: %s has no %s=%q, only %q", where, selector[1], label[1], value, values[label[1]])
				}
			}
		}
	}
}

// expressions are all of board and alerts, by where they stand.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := boardExpressions(t)
	maps.Copy(all, alertExpressions(t))
	return all
}

func boardExpressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	var b board
	check(t, json.Unmarshal(readFile(t, "../contrib/grafana/octaskly.json"), &b))
	if b.Title == "" || b.UID == "" || len(b.Panels) == 0 {
		t.Errorf("a board without title, uid or panels: %+v", b)
	}
	ids, places := map[int]bool{}, map[[2]int]string{}
	for _, p := range b.Panels {
		if ids[p.ID] || len(p.Targets) == 0 || all["panel "+p.Title] != "" {
			t.Errorf("panel %q: its id or title is another one's, or it shows nothing", p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := places[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q lies on %q, or beside the board", p.Title, other)
				}
				places[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			all["panel "+p.Title] += target.Expr + "\n"
		}
	}
	for _, v := range b.Templating.List {
		all["variable"] += v.Definition + "\n"
	}
	return all
}

func alertExpressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	var r rules
	file, err := os.Open("../contrib/prometheus/octaskly.rules.yml")
	check(t, err)
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	check(t, decoder.Decode(&r))
	for _, group := range r.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" || rule.Expr == "" || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("a rule lacks something: %+v", rule)
			}
			if all["alert "+rule.Alert] != "" {
				t.Errorf("%s is there twice", rule.Alert)
			}
			all["alert "+rule.Alert] = rule.Expr
		}
	}
	if len(all) < 5 {
		t.Errorf("there are %d alerts", len(all))
	}
	return all
}

// The example of a scrape is YAML, and keeps the token in a file.
func TestScrapeExample(t *testing.T) {
	var example struct {
		ScrapeConfigs []struct {
			JobName       string `yaml:"job_name"`
			Scheme        string
			Authorization struct {
				File string `yaml:"credentials_file"`
			}
		} `yaml:"scrape_configs"`
	}
	check(t, yaml.Unmarshal(readFile(t, "../contrib/prometheus/scrape.yml"), &example))
	alerts := alertExpressions(t)
	for i, job := range example.ScrapeConfigs {
		if job.Scheme != "https" || job.Authorization.File == "" {
			t.Errorf("job %s goes without TLS or a token", job.JobName)
		}
		if i == 0 && !strings.Contains(alerts["alert OctasklyDispatcherDown"], `job="`+job.JobName+`"`) {
			t.Errorf("an alert speaks of another job than %s", job.JobName)
		}
	}
}
