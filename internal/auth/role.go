package auth

import "github.com/octaskly/octaskly/internal/octaskly"

// rank orders the roles so that each permits whatever those below it do.
var rank = map[octaskly.Role]int{
	octaskly.RoleWorker:     1,
	octaskly.RoleClient:     2,
	octaskly.RoleDispatcher: 3,
	octaskly.RoleAdmin:      4,
}

// Lesser returns the one of two roles that permits less. A role that there is not
// permits nothing, so it is the least.
func Lesser(a, b octaskly.Role) octaskly.Role {
	if rank[b] < rank[a] {
		return b
	}
	return a
}
