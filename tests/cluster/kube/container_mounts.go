package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// contained is a container's process that sees its volumes where its pod says. It is this program again, in a user and a
// mount namespace of its own, where it mounts them and then becomes the container's program. What is read-only for the
// pod can be written here.
type contained struct {
	Scratch string // an empty folder
	Mounts  []bindMount
	Argv    []string
}

type bindMount struct{ Host, Container string }

const containWord = "contain"

// inNamespaces makes of a command one that is contained.
func (c contained) inNamespaces(command *exec.Cmd) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	command.Path, command.Args, command.Err = self, []string{self, containWord, string(text)}, nil
	command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
	command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	return nil
}

// contain is what the process itself does, before it is the container's program.
func contain(text string) error {
	var c contained
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot have mounts of its own: %w", err)
	}
	tree := &mountTree{scratch: c.Scratch, ours: map[uint64]bool{}}
	for _, m := range c.Mounts {
		if err := tree.bind(m); err != nil {
			return fmt.Errorf("cannot mount %s: %w", m.Container, err)
		}
	}
	program, err := exec.LookPath(c.Argv[0])
	if err != nil {
		return err
	}
	return syscall.Exec(program, c.Argv, os.Environ())
}

// mountTree is the machine's files with further mount points, which this process alone sees.
type mountTree struct {
	scratch string
	ours    map[uint64]bool // devices of the folders that were made anew
}

func (t *mountTree) bind(m bindMount) error {
	info, err := os.Stat(m.Host)
	if err != nil {
		return err
	}
	point, err := t.point(m.Container, info.IsDir())
	if err != nil {
		return err
	}
	return unix.Mount(m.Host, point, "", unix.MS_BIND|unix.MS_REC, "")
}

// point is where something can be mounted at path, which is made where it is missing, but never in a folder of the machine.
func (t *mountTree) point(path string, folder bool) (string, error) {
	there, missing := path, ""
	for {
		if _, err := os.Stat(there); err == nil {
			break
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		there, missing = filepath.Dir(there), filepath.Join(filepath.Base(there), missing)
	}
	there, err := filepath.EvalSymlinks(there)
	if err != nil || missing == "" {
		return there, err
	}
	if err := t.own(there); err != nil {
		return "", err
	}
	point := filepath.Join(there, missing)
	if folder {
		return point, os.MkdirAll(point, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(point), 0o755); err != nil {
		return "", err
	}
	return point, os.WriteFile(point, nil, 0o644)
}

// own lays over a folder one in memory with the same content, in which more can be made.
func (t *mountTree) own(folder string) error {
	device, err := deviceOf(folder)
	if err != nil || t.ours[device] {
		return err
	}
	copied, err := os.MkdirTemp(t.scratch, "")
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", copied, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		err := mirror(filepath.Join(folder, entry.Name()), filepath.Join(copied, entry.Name()), entry.Type())
		if err != nil && !errors.Is(err, os.ErrNotExist) { // it may have gone meanwhile
			return err
		}
	}
	if device, err = deviceOf(copied); err != nil {
		return err
	}
	t.ours[device] = true
	if folder == "/" { // nothing can be laid over the root
		return errors.Join(unix.Chroot(copied), os.Chdir("/"))
	}
	return unix.Mount(copied, folder, "", unix.MS_BIND|unix.MS_REC, "")
}

func mirror(from, to string, kind os.FileMode) error {
	switch {
	case kind&os.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case kind.IsDir():
		if err := os.Mkdir(to, 0o755); err != nil {
			return err
		}
	default:
		if err := os.WriteFile(to, nil, 0o644); err != nil {
			return err
		}
	}
	return unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")
}

func deviceOf(path string) (uint64, error) {
	var stat unix.Stat_t
	err := unix.Stat(path, &stat)
	return stat.Dev, err
}

// containIfAsked ends here where this process is a container's.
func containIfAsked() {
	if len(os.Args) != 3 || os.Args[1] != containWord {
		return
	}
	err := contain(os.Args[2])
	fmt.Fprintln(os.Stderr, strings.TrimSpace(err.Error()))
	os.Exit(127)
}
