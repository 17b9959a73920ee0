package tui

import (
	"fmt"
	"strconv"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/units"
)

// loadOf is how busy a worker is: the part of its slots that have a task.
func loadOf(w *api.Worker) float64 {
	if w.Slots == 0 || w.State != connected {
		return 0
	}
	return float64(busy(w)) / float64(w.Slots)
}

func loadText(w *api.Worker) string {
	if w.State != connected || w.Slots == 0 {
		return ""
	}
	return strconv.Itoa((200*busy(w)+w.Slots)/(2*w.Slots)) + "%"
}

func busyText(w *api.Worker) string { return strconv.Itoa(busy(w)) + "/" + strconv.Itoa(w.Slots) }

// cpuText is "2.5/8": what runs there uses so many of them.
func cpuText(w *api.Worker) string { return cpus(w.CPUsUsed) + "/" + cpus(w.CPUs) }

func cpus(n float64) string {
	return strconv.FormatFloat(float64(int64(n*100+0.5))/100, 'f', -1, 64)
}

func memoryText(w *api.Worker) string {
	used := shortSize(w.MemoryUsed)
	if used == "" {
		used = "0"
	}
	return used + "/" + shortSize(w.Memory)
}

// loadFacts are what is known of a worker's machine.
func loadFacts(f *facts, w *api.Worker, style tcell.Style) {
	text := cpus(w.CPUs)
	if w.CPUsUsed > 0 || w.CPUsReserved > 0 {
		text += fmt.Sprintf(", %s used, %s reserved", cpus(w.CPUsUsed), cpus(w.CPUsReserved))
	}
	f.add("cpus", text, style)
	text = sizeText(w.Memory)
	if w.MemoryUsed > 0 {
		text += ", " + sizeText(w.MemoryUsed) + " used"
	}
	if w.MemoryReserved > 0 {
		text += ", " + sizeText(w.MemoryReserved) + " reserved"
	}
	f.add("memory", text, style)
}

func roundTrip(w *api.Worker) string {
	if w.RoundTrip <= 0 {
		return ""
	}
	return units.Duration(time.Duration(w.RoundTrip)).Human()
}
