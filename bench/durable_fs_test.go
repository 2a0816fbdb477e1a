package main

import "testing"

func TestMountOf(t *testing.T) {
	const mounts = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
25 22 0:22 / /dev/shm rw,relatime shared:4 - tmpfs tmpfs rw,size=1000k
26 22 8:1 / /data rw - xfs /dev/sda1 rw
27 26 8:2 / /data/with\040space rw shared:7 master:2 - btrfs /dev/sdb rw
28 22 0:30 / /twice rw - ext4 /dev/sdc rw
29 28 0:31 / /twice rw - tmpfs none rw
nonsense
`
	for _, c := range []struct {
		dir  string
		want mount
	}{
		{"/", mount{"/", "ext4", "/dev/vda"}},
		{"/home/me", mount{"/", "ext4", "/dev/vda"}},
		{"/dev/shm", mount{"/dev/shm", "tmpfs", "tmpfs"}},
		{"/dev/shm/run", mount{"/dev/shm", "tmpfs", "tmpfs"}},
		{"/dev/shmoo", mount{"/", "ext4", "/dev/vda"}},
		{"/data/run", mount{"/data", "xfs", "/dev/sda1"}},
		{"/data/with space/run", mount{"/data/with space", "btrfs", "/dev/sdb"}},
		{"/twice/run", mount{"/twice", "tmpfs", "none"}},
	} {
		if got, ok := mountOf(c.dir, mounts); !ok || got != c.want {
			t.Errorf("%s: got %v, %v; want %v", c.dir, got, ok, c.want)
		}
	}
	if got, ok := mountOf("/data", ""); ok {
		t.Errorf("got %v from nothing", got)
	}
}
