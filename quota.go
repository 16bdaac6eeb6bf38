package imap

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
)

// needQuotaSet fails if the server does not support SETQUOTA. QUOTASET announces it, except on older servers, which have no
// QUOTA=RES- capabilities.
func (e *encoder) needQuotaSet() {
	if e.caps.offers("QUOTA=RES-") {
		e.need("QUOTASET")
	}
}

// QuotaResource is the usage and the limit of a resource (RFC 9208 section 5): STORAGE in units of 1024 bytes, MESSAGE,
// MAILBOX, ANNOTATION-STORAGE in units of 1024 bytes, or one specific to the server.
type QuotaResource struct {
	Name         string // upper case
	Usage, Limit uint64
}

// The resources of RFC 9208 section 5.
const (
	QuotaStorage           = "STORAGE"            // of messages, in units of 1024 bytes
	QuotaMessage           = "MESSAGE"            // messages
	QuotaMailbox           = "MAILBOX"            // mailboxes
	QuotaAnnotationStorage = "ANNOTATION-STORAGE" // of annotations, in units of 1024 bytes
)

// Quota is a quota root with its limits. A root without resources is not limited.
type Quota struct {
	Root      string
	Resources []QuotaResource
}

// Resource returns the resource with the given name, ignoring case, and false if the root has no limit on it.
func (q *Quota) Resource(name string) (QuotaResource, bool) {
	i := slices.IndexFunc(q.Resources, func(r QuotaResource) bool { return strings.EqualFold(r.Name, name) })
	if i < 0 {
		return QuotaResource{}, false
	}
	return q.Resources[i], true
}

// GetQuota returns the limits of a quota root (GETQUOTA, RFC 9208 section 4.1.1, RFC 2087; capability QUOTA; logged in).
// GetQuotaRoot returns the names of the roots; many servers have only one, named "".
func (c *Client) GetQuota(ctx context.Context, root string) (*Quota, error) {
	return c.quotaOf(ctx, root, quotaCommand("GETQUOTA", func(e *encoder) { e.astring(root) }))
}

// GetQuotaRoot returns the quota roots to which a mailbox belongs, with their limits (GETQUOTAROOT, RFC 9208 section 4.1.2,
// RFC 2087; capability QUOTA; logged in). A mailbox without limits has none.
func (c *Client) GetQuotaRoot(ctx context.Context, mailbox string) ([]Quota, error) {
	q, err := gather(ctx, c, quotaCommand("GETQUOTAROOT", func(e *encoder) { e.mailbox(mailbox) }), newQuotas)
	if err != nil {
		return nil, err
	}
	return q.list, nil
}

// SetQuota replaces the limits of a quota root and returns the new ones (SETQUOTA, RFC 9208 section 4.1.3, RFC 2087;
// capability QUOTASET, or QUOTA on servers that know only RFC 2087; logged in, as an administrator). Resources that are not
// in limits are no longer limited.
func (c *Client) SetQuota(ctx context.Context, root string, limits map[string]uint64) (*Quota, error) {
	return c.quotaOf(ctx, root, quotaCommand("SETQUOTA", func(e *encoder) {
		e.needQuotaSet()
		e.astring(root).raw(" (")
		for i, name := range slices.Sorted(maps.Keys(limits)) {
			if i > 0 {
				e.sp()
			}
			if limits[name] > math.MaxInt64 {
				e.fail(argError("a limit above 2^63-1"))
			}
			e.atom("the name of a resource", name).sp().number(limits[name])
		}
		e.raw(")")
	}))
}

func quotaCommand(name string, args func(*encoder)) *command {
	return &command{name: name, states: inAuth, rows: "QUOTA", encode: func(e *encoder) { args(e.need("QUOTA").sp()) }}
}

// quotaOf runs a command whose answer is the limits of one root. Without a QUOTA response the root has no limits.
func (c *Client) quotaOf(ctx context.Context, root string, cmd *command) (*Quota, error) {
	q, err := gather(ctx, c, cmd, newQuotas)
	if err != nil {
		return nil, err
	}
	for i := range q.list {
		if q.list[i].Root == root || len(q.list) == 1 {
			return &q.list[i], nil
		}
	}
	return &Quota{Root: root}, nil
}

// quotas collects QUOTA and QUOTAROOT responses.
type quotas struct{ list []Quota }

func newQuotas() *quotas { return &quotas{} }

func (q *quotas) take(r *response) (claim, error) {
	switch r.name {
	case "QUOTA":
		return mine, q.takeQuota(r)
	case "QUOTAROOT":
		return mine, q.takeRoots(r)
	}
	return notMine, nil
}

// root returns the entry of a root. A pointer returned earlier may be invalid then.
func (q *quotas) root(r *response, name string) (*Quota, error) {
	for i := range q.list {
		if q.list[i].Root == name {
			return &q.list[i], nil
		}
	}
	if len(q.list) >= maxRoots {
		return nil, r.errorf("too many quota roots")
	}
	q.list = append(q.list, Quota{Root: name})
	return &q.list[len(q.list)-1], nil
}

const (
	// maxRoots bounds the quota roots of one answer.
	maxRoots = 1000
	// maxResources bounds the resources of a quota root.
	maxResources = 1000
)

// takeRoots parses a QUOTAROOT response: the mailbox, then the roots.
func (q *quotas) takeRoots(r *response) error {
	if _, err := r.mailboxName(); err != nil {
		return err
	}
	for !r.atEnd() {
		name, err := r.astring()
		if err != nil {
			return err
		}
		if _, err := q.root(r, name); err != nil {
			return err
		}
	}
	return nil
}

// takeQuota parses a QUOTA response: a root and its resources. Courier omits an empty list.
func (q *quotas) takeQuota(r *response) error {
	name, err := r.astring()
	if err != nil {
		return err
	}
	root, err := q.root(r, name)
	if err != nil {
		return err
	}
	root.Resources = nil
	if r.atEnd() {
		return nil
	}
	if err := r.enter(); err != nil {
		return err
	}
	for r.peek() != ')' {
		if len(root.Resources) >= maxResources {
			return r.errorf("too many resources")
		}
		resource, limited, err := r.quotaResource()
		if err != nil {
			return err
		}
		if limited {
			root.Resources = append(root.Resources, resource)
		}
	}
	return r.leave()
}

// quotaResource parses a name and two numbers. A limit of -1 is none.
func (r *response) quotaResource() (q QuotaResource, limited bool, err error) {
	if q.Name, err = r.astring(); err != nil {
		return q, false, err
	}
	q.Name = strings.ToUpper(q.Name)
	if q.Usage, _, err = r.quotaNumber(); err != nil {
		return q, false, err
	}
	q.Limit, limited, err = r.quotaNumber()
	return q, limited, err
}

// quotaNumber parses a number with the space around it. A negative one is 0, and not ok.
func (r *response) quotaNumber() (n uint64, ok bool, err error) {
	r.skipSpaces()
	negative := r.accept('-')
	n, err = r.number()
	r.skipSpaces()
	if negative {
		r.tolerate("negative number in a quota")
		return 0, false, err
	}
	return n, true, err
}
