package executor

import "time"

// leave gives up the places that a command had on this machine, and returns where
// its workspace is kept, if it is.
func (s *slot) leave(e *entry, began time.Time) (kept string) {
	if e.Spec.KeepWorkspace && e.Spec.Dir == "" {
		kept = s.keepPlace(e)
	}
	switch {
	case s.box != nil:
		s.leaveRoom()
		s.box.Close()
		s.tell("A cgroup stays", s.group.Close())
		s.box, s.group = nil, s.own
		s.x.refill()
	case e.Spec.Dir == "":
		s.space.renew(began)
		if s.project != 0 {
			s.tell("A quota stays", s.x.disk.Release(s.project))
		}
	}
	s.leaveUser()
	return kept
}

// leaveUser gives back the user that the attempt had, and its project.
func (s *slot) leaveUser() {
	if s.project != 0 {
		s.x.uids.giveBack(s.project)
		s.project = 0
	}
}

func (s *slot) keepPlace(e *entry) (kept string) {
	path := s.space.path
	if s.room != nil {
		path = s.room.path
	}
	kept, err := s.x.keepWorkspace(path, e)
	s.tell("A workspace is not kept", err)
	return kept
}

// leaveRoom removes what a box had of the disk.
func (s *slot) leaveRoom() {
	if s.room != nil {
		s.tell("A workspace stays", s.room.remove())
		s.room = nil
	}
}

// tell logs what should not be and hurts nobody at once.
func (s *slot) tell(what string, err error) {
	if err != nil {
		s.x.log.Warn(what, "slot", s.name, "box", s.boxName, "error", err)
	}
}
