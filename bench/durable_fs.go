package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mount is a line of /proc/self/mountinfo.
type mount struct{ point, kind, source string }

// describeFileSystem says what a folder is in, and whether that is a disk: in RAM
// a sync costs nothing, and the tables tell nothing.
func describeFileSystem(dir string) string {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "on a file system that this system does not name"
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	m, ok := mountOf(dir, string(info))
	if !ok {
		return "on an unknown file system"
	}
	switch m.kind {
	case "tmpfs", "ramfs":
		return fmt.Sprintf("%s, which is RAM, not a disk: **a sync costs nothing here**, choose another folder with -dir", m.kind)
	case "overlay", "nfs", "nfs4", "9p", "virtiofs", "fuse":
		return fmt.Sprintf("%s; what disk lies behind it is not known", m.kind)
	}
	if strings.HasPrefix(m.source, "/dev/ram") || strings.HasPrefix(m.source, "/dev/zram") {
		return fmt.Sprintf("%s on %s, which is RAM, not a disk", m.kind, m.source)
	}
	return fmt.Sprintf("%s on %s, a disk", m.kind, m.source)
}

// mountOf finds what is mounted nearest above dir: of several at one place the last.
func mountOf(dir, mountinfo string) (found mount, ok bool) {
	for line := range strings.Lines(mountinfo) {
		before, after, split := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !split || len(left) < 5 || len(right) < 2 {
			continue
		}
		m := mount{unescape(left[4]), right[0], right[1]}
		inside := dir == m.point || strings.HasPrefix(dir, strings.TrimSuffix(m.point, "/")+"/")
		if inside && len(m.point) >= len(found.point) {
			found, ok = m, true
		}
	}
	return found, ok
}

// unescape takes back what mountinfo does to spaces and the like.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
