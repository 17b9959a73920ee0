package store

// enlister is the statements that write a Roster.
type enlister struct {
	identities, invites, removals         table
	removeIdentity, removeInvite, readmit *statement
}

func (e *enlister) prepare(statement func(string) *statement, table func(string, int) table) {
	e.identities = table(`INSERT OR REPLACE INTO identities VALUES `, 8)
	e.invites = table(`INSERT OR REPLACE INTO invites VALUES `, 9)
	e.removals = table(`INSERT OR REPLACE INTO removed_workers VALUES `, 4)
	e.removeIdentity, e.removeInvite = statement(`DELETE FROM identities WHERE serial = ?`), statement(`DELETE FROM invites WHERE id = ?`)
	e.readmit = statement(`DELETE FROM removed_workers WHERE id = ?`)
}

func (e *enlister) put(r *Roster) error {
	if err := insert(e.identities, r.Identities, addIdentity); err != nil {
		return err
	}
	if err := insert(e.invites, r.Invites, addInvite); err != nil {
		return err
	}
	if err := insert(e.removals, r.Removals, addRemoval); err != nil {
		return err
	}
	if err := each(e.removeIdentity, r.RemovedIdentities); err != nil {
		return err
	}
	if err := each(e.removeInvite, r.RemovedInvites); err != nil {
		return err
	}
	return each(e.readmit, r.Readmitted)
}

// each executes a statement for each of ids.
func each[ID ~string](s *statement, ids []ID) error {
	for _, id := range ids {
		if err := s.exec(string(id)); err != nil {
			return err
		}
	}
	return nil
}
