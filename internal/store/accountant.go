package store

// accountant is the statements that write users, tokens and signing keys.
type accountant struct {
	users, tokens, keys                                table
	removeUser, removeTokensOf, removeToken, removeKey *statement
	note                                               *statement // that something was written, see inspect
	settled                                            *statement // see Copied
}

func (a *accountant) prepare(statement func(string) *statement, table func(string, int) table) {
	a.settled = statement(`DELETE FROM meta WHERE name = '` + copied + `'`)
	a.note = statement(`UPDATE ledger SET records = records + 1`)
	a.users = table(`INSERT OR REPLACE INTO users VALUES `, 9)
	a.tokens = table(`INSERT OR REPLACE INTO tokens VALUES `, 12)
	a.keys = table(`INSERT OR REPLACE INTO signing_keys VALUES `, 4)
	a.removeUser, a.removeTokensOf = statement(`DELETE FROM users WHERE name = ?`), statement(removeTokensOf)
	a.removeToken, a.removeKey = statement(`DELETE FROM tokens WHERE id = ?`), statement(`DELETE FROM signing_keys WHERE id = ?`)
}

// removeTokensOf keeps the tokens of a user who is gone from whoever gets his name
// later.
const removeTokensOf = `DELETE FROM tokens WHERE user = ?`

func (a *accountant) put(r *Records) error {
	if err := insert(a.users, r.Users, addUser); err != nil {
		return err
	}
	if err := insert(a.tokens, r.Tokens, addToken); err != nil {
		return err
	}
	if err := insert(a.keys, r.Keys, addKey); err != nil {
		return err
	}
	if r.Settled {
		if err := a.settled.exec(); err != nil {
			return err
		}
	}
	for _, removal := range []struct {
		statement *statement
		ids       []string
	}{
		{a.removeUser, r.RemovedUsers}, {a.removeTokensOf, r.RemovedUsers}, {a.removeToken, r.RemovedTokens}, {a.removeKey, r.RemovedKeys},
	} {
		for _, id := range removal.ids {
			if err := removal.statement.exec(id); err != nil {
				return err
			}
		}
	}
	return nil
}
