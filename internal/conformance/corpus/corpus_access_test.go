package corpus_test

import (
	"encoding/json"
	"testing"

	"github.com/go-imaplib/imap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (o *corpusOne) sort(t *testing.T) {
	x := o.talk(t, o.wire)
	seqs, err := x.c.SortSeq(x.ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where())
	require.NoError(t, err)
	x.noop(t)
	x = o.talk(t, o.wire)
	uids, err := x.c.Sort(x.ctx, []imap.SortKey{{Name: "DATE"}}, imap.Where())
	require.NoError(t, err)
	require.Len(t, seqs, len(o.w.Nums))
	require.Len(t, uids, len(o.w.Nums))
	for i, n := range o.w.Nums {
		assert.EqualValues(t, n, seqs[i])
		assert.EqualValues(t, n, uids[i])
	}
	x.noop(t)
}

func (o *corpusOne) thread(t *testing.T) {
	x := o.talk(t, o.wire)
	seqs, err := x.c.ThreadSeq(x.ctx, "REFERENCES", imap.Where())
	require.NoError(t, err)
	equalThreads(t, o.w.Threads, seqs)
	x.noop(t)
	x = o.talk(t, o.wire)
	uids, err := x.c.Thread(x.ctx, "REFERENCES", imap.Where())
	require.NoError(t, err)
	equalThreads(t, o.w.Threads, uids)
	x.noop(t)
}

func equalThreads[N imap.UID | imap.SeqNum](t *testing.T, want []wantedThread, got []*imap.ThreadNode[N]) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, w := range want {
		assert.EqualValues(t, w.Num, got[i].Num)
		equalThreads(t, w.Children, got[i].Children)
	}
}

func (o *corpusOne) quota(t *testing.T) {
	x := o.talk(t, o.wire)
	got, err := x.c.GetQuota(x.ctx, o.w.Root)
	require.NoError(t, err)
	want := &imap.Quota{Root: o.w.Root}
	for _, r := range o.w.Resources {
		want.Resources = append(want.Resources, imap.QuotaResource{Name: r.Name, Usage: r.Usage, Limit: r.Limit})
	}
	assert.Equal(t, want, got)
	x.noop(t)
}

func (o *corpusOne) quotaRoot(t *testing.T) {
	x := o.talk(t, o.wire)
	got, err := x.c.GetQuotaRoot(x.ctx, o.w.Mailbox.value)
	require.NoError(t, err)
	var want []imap.Quota
	for _, root := range o.w.Roots {
		want = append(want, imap.Quota{Root: root})
	}
	assert.Equal(t, want, got)
	x.noop(t)
}

func (o *corpusOne) acl(t *testing.T) {
	x := o.talk(t, o.wire)
	got, err := x.c.GetACL(x.ctx, o.w.Mailbox.value)
	require.NoError(t, err)
	var entries []struct{ ID, Rights string }
	require.NoError(t, json.Unmarshal(o.w.Entries, &entries))
	var want []imap.ACLEntry
	for _, e := range entries {
		want = append(want, imap.ACLEntry{Identifier: e.ID, Rights: e.Rights})
	}
	assert.Equal(t, want, got)
	x.noop(t)
}

func (o *corpusOne) listRights(t *testing.T) {
	x := o.talk(t, o.wire)
	required, optional, err := x.c.ListRights(x.ctx, o.w.Mailbox.value, o.w.ID)
	require.NoError(t, err)
	assert.Equal(t, o.w.Required, required)
	assert.Equal(t, o.w.Optional, optional)
	x.noop(t)
}

func (o *corpusOne) myRights(t *testing.T) {
	x := o.talk(t, o.wire)
	rights, err := x.c.MyRights(x.ctx, o.w.Mailbox.value)
	require.NoError(t, err)
	assert.Equal(t, o.w.Rights, rights)
	x.noop(t)
}

// metadata: values answer GETMETADATA; names alone, and unsolicited values, are events.
func (o *corpusOne) metadata(t *testing.T) {
	var entries [][2]corpusText
	if o.w.Entries != nil {
		require.NoError(t, json.Unmarshal(o.w.Entries, &entries))
	}
	event := &imap.MetadataEvent{Mailbox: o.w.Mailbox.value, Entries: o.w.Names}
	var want map[string][]byte
	for _, e := range entries {
		if want == nil {
			want = make(map[string][]byte)
		}
		want[e[0].value] = []byte(e[1].value)
		event.Entries = append(event.Entries, e[0].value)
	}
	x := o.talk(t, o.wire)
	x.noop(t)
	assert.Equal(t, []imap.Event{event}, x.c.Events())
	x = o.talk(t, o.wire)
	got, err := x.c.GetMetadata(x.ctx, o.w.Mailbox.value, "/corpus")
	require.NoError(t, err)
	if len(want) > 0 || len(got) > 0 {
		assert.Equal(t, want, got)
	}
	x.noop(t)
}
