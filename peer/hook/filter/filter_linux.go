package filter

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// The filter sits at the interface's ingress hook and looks at the sender's hardware address, so it
// takes everything that a pulled cable would take: TCP, multicast and ARP at once. When both sides of a cut
// have such a filter, nothing passes either way. What the machine itself sends through the bridge comes
// from the bridge's own address and still passes: that is how a lab goes on asking a peer how it does.
//
// In nft's language, for each interface and address; the second drops a twentieth:
//
//	table netdev hand {
//		chain eth0 {
//			type filter hook ingress device eth0 priority 0; policy accept;
//			ether saddr 02:42:ac:12:00:03 drop
//			ether saddr 02:42:ac:12:00:04 numgen random mod 10000 < 500 drop
//		}
//	}
const table = "hand"

// Set drops what comes in on these interfaces from some stations, and nothing else.
func Set(devices []string, drops []Drop) error {
	b := newBatch()
	b.forget()
	b.newTable()
	for _, d := range devices {
		b.newChain(d)
		for _, drop := range drops {
			b.dropFrom(d, drop)
		}
	}
	return b.send()
}

// Clear drops nothing more.
func Clear() error {
	b := newBatch()
	b.forget()
	return b.send()
}

// A batch is a transaction of nf_tables: it is done whole, or not at all.
type batch struct {
	out  []byte
	wait int // answers to come
}

func newBatch() *batch {
	b := &batch{}
	b.message(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES, nil)
	return b
}

func (b *batch) newTable() {
	b.ask(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, str(unix.NFTA_TABLE_NAME, table))
}

// forget deletes the table and all that is in it. To make a table that is there is no error, to delete
// one that is not there is.
func (b *batch) forget() {
	b.newTable()
	b.ask(unix.NFT_MSG_DELTABLE, 0, str(unix.NFTA_TABLE_NAME, table))
}

func (b *batch) newChain(device string) {
	b.ask(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE,
		str(unix.NFTA_CHAIN_TABLE, table),
		str(unix.NFTA_CHAIN_NAME, device),
		nest(unix.NFTA_CHAIN_HOOK,
			num(unix.NFTA_HOOK_HOOKNUM, unix.NF_NETDEV_INGRESS),
			num(unix.NFTA_HOOK_PRIORITY, 0),
			str(unix.NFTA_HOOK_DEV, device)),
		str(unix.NFTA_CHAIN_TYPE, "filter"))
}

func (b *batch) dropFrom(device string, d Drop) {
	const source, length = 6, 6 // of an Ethernet header
	rule := [][]byte{
		expression("payload",
			num(unix.NFTA_PAYLOAD_DREG, unix.NFT_REG_1),
			num(unix.NFTA_PAYLOAD_BASE, unix.NFT_PAYLOAD_LL_HEADER),
			num(unix.NFTA_PAYLOAD_OFFSET, source),
			num(unix.NFTA_PAYLOAD_LEN, length)),
		compare(unix.NFT_CMP_EQ, d.From),
	}
	if d.Share < 1 {
		rule = append(rule, lottery(d.Share)...)
	}
	rule = append(rule, expression("immediate",
		num(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT),
		nest(unix.NFTA_IMMEDIATE_DATA,
			nest(unix.NFTA_DATA_VERDICT, num(unix.NFTA_VERDICT_CODE, 0 /* NF_DROP */)))))
	b.ask(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND,
		str(unix.NFTA_RULE_TABLE, table),
		str(unix.NFTA_RULE_CHAIN, device),
		nest(unix.NFTA_RULE_EXPRESSIONS, rule...))
}

func compare(op uint32, with []byte) []byte {
	return expression("cmp",
		num(unix.NFTA_CMP_SREG, unix.NFT_REG_1),
		num(unix.NFTA_CMP_OP, op),
		nest(unix.NFTA_CMP_DATA, attribute(unix.NFTA_DATA_VALUE, with)))
}

// lottery goes on with the rule for a share of what gets there. The number that is drawn is in the machine's order,
// and what is less than what is only known in the network's.
func lottery(share float64) [][]byte {
	const tickets = 10000
	return [][]byte{
		expression("numgen",
			num(unix.NFTA_NG_DREG, unix.NFT_REG_1),
			num(unix.NFTA_NG_MODULUS, tickets),
			num(unix.NFTA_NG_TYPE, unix.NFT_NG_RANDOM)),
		expression("byteorder",
			num(unix.NFTA_BYTEORDER_SREG, unix.NFT_REG_1),
			num(unix.NFTA_BYTEORDER_DREG, unix.NFT_REG_1),
			num(unix.NFTA_BYTEORDER_OP, unix.NFT_BYTEORDER_HTON),
			num(unix.NFTA_BYTEORDER_LEN, 4),
			num(unix.NFTA_BYTEORDER_SIZE, 4)),
		compare(unix.NFT_CMP_LT, binary.BigEndian.AppendUint32(nil, uint32(share*tickets))),
	}
}

// ask adds one request, which the kernel is to answer.
func (b *batch) ask(kind, flags int, attributes ...[]byte) {
	b.message(unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags|unix.NLM_F_ACK, unix.NFPROTO_NETDEV, 0, slices.Concat(attributes...))
	b.wait++
}

// message adds a netlink header, an nfnetlink header and a body.
func (b *batch) message(kind, flags int, family byte, resource uint16, body []byte) {
	const header = unix.NLMSG_HDRLEN + 4
	m := binary.NativeEndian.AppendUint32(nil, uint32(header+len(body)))
	m = binary.NativeEndian.AppendUint16(m, uint16(kind))
	m = binary.NativeEndian.AppendUint16(m, uint16(flags|unix.NLM_F_REQUEST))
	m = append(m, make([]byte, 8)...) // sequence number and port: there is one batch, and one asker
	m = append(m, family, unix.NFNETLINK_V0)
	m = binary.BigEndian.AppendUint16(m, resource)
	b.out = append(b.out, append(m, body...)...)
}

func (b *batch) send() error {
	b.message(unix.NFNL_MSG_BATCH_END, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES, nil)
	return b.exchange(unix.NETLINK_NETFILTER)
}

// exchange sends what is in the batch, and reads the answers.
func (b *batch) exchange(family int) error {
	s, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	if err != nil {
		return os.NewSyscallError("netlink", err)
	}
	defer unix.Close(s)
	// The kernel has answered by the time that the request is sent; the timeout is for a kernel that never will.
	if err := unix.SetsockoptTimeval(s, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 2}); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Sendto(s, b.out, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("send to netlink", err)
	}
	buf := make([]byte, 64<<10)
	for b.wait > 0 {
		n, _, err := unix.Recvfrom(s, buf, 0)
		if err != nil {
			return os.NewSyscallError("receive from netlink", err)
		}
		if err := b.answers(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}

// answers reads a datagram of NLMSG_ERROR messages, one for each request; the error zero means done.
func (b *batch) answers(in []byte) error {
	for len(in) >= unix.NLMSG_HDRLEN+4 {
		size := int(binary.NativeEndian.Uint32(in))
		if binary.NativeEndian.Uint16(in[4:]) != unix.NLMSG_ERROR {
			return fmt.Errorf("netlink answered with a message of type %d", binary.NativeEndian.Uint16(in[4:]))
		}
		if code := int32(binary.NativeEndian.Uint32(in[unix.NLMSG_HDRLEN:])); code != 0 {
			return os.NewSyscallError("netlink", unix.Errno(-code))
		}
		b.wait--
		in = in[min(len(in), (size+3)&^3):]
	}
	return nil
}

// The attributes of nf_tables: a length, a type, and a value padded to four bytes. Numbers are big endian.

func attribute(kind int, value []byte) []byte {
	out := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	out = binary.NativeEndian.AppendUint16(out, uint16(kind))
	out = append(out, value...)
	return append(out, make([]byte, -len(out)&3)...)
}

func str(kind int, s string) []byte { return attribute(kind, append([]byte(s), 0)) }

func num(kind int, n uint32) []byte { return attribute(kind, binary.BigEndian.AppendUint32(nil, n)) }

func nest(kind int, inner ...[]byte) []byte {
	return attribute(kind|unix.NLA_F_NESTED, slices.Concat(inner...))
}

func expression(name string, data ...[]byte) []byte {
	return nest(unix.NFTA_LIST_ELEM, str(unix.NFTA_EXPR_NAME, name), nest(unix.NFTA_EXPR_DATA, data...))
}
