/* See channel.h; the rows of messages.def decide on both ends. */
#include "ring/channel.h"

#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "os/packet.h"

#define SUP	(1u << ROLE_SUPERVISOR)
#define FIELD	(1u << ROLE_FIELD)
#define INSIGHT	(1u << ROLE_INSIGHT)
#define GATE	(1u << ROLE_GATE)
#define OFFICE	(1u << ROLE_OFFICE)
#define CHILD	(FIELD | INSIGHT | GATE | OFFICE)

static const struct row {
	const char	*name;
	uint32_t	 from, to, max;		/* sets of roles, bytes */
	bool		 fd;			/* carries a descriptor: always, or never */
} rows[MSG_TYPES] = {
#define MSG(name, from, to, max, fd, help) [MSG_##name] = { #name, from, to, max, fd },
#include "ring/messages.def"
#undef MSG
};

#define MSG(name, from, to, max, fd, help) _Static_assert(max <= CHANNEL_PAYLOAD_MAX, #name " fits a packet");
#include "ring/messages.def"
#undef MSG

static const char *const role_names[ROLES] = {
	[ROLE_SUPERVISOR] = "supervisor", [ROLE_FIELD] = "field", [ROLE_INSIGHT] = "insight", [ROLE_GATE] = "gate",
	[ROLE_OFFICE] = "office",
};

const char *
role_name(enum role r)
{
	return (unsigned)r < ROLES ? role_names[r] : "?";
}

int
role_parse(const char *name)
{
	for (int i = 0; i < ROLES; i++)
		if (strcmp(role_names[i], name) == 0)
			return i;
	return -1;
}

const char *
msg_name(enum msg_type type)
{
	return (unsigned)type < MSG_TYPES ? rows[type].name : "?";
}

int
channel_pair(int fds[2])
{
	return packet_pair(fds);
}

void
channel_init(struct channel *c, int fd, enum role self, enum role peer)
{
	c->fd = fd;
	c->self = self;
	c->peer = peer;
}

static bool
allowed(const struct row *row, enum role from, enum role to, size_t len, bool fd)
{
	return (row->from & 1u << from) != 0 && (row->to & 1u << to) != 0 && len <= row->max && row->fd == fd;
}

int
channel_send(struct channel *c, enum msg_type type, const void *p, size_t len, int fd)
{
	uint8_t packet[8 + 4096], *big = c->buf, *out = len <= sizeof packet - 8 ? packet : big;

	if ((unsigned)type >= MSG_TYPES || !allowed(&rows[type], c->self, c->peer, len, fd >= 0))
		return ERR_DENIED;
	uint32_t head[2] = { (uint32_t)type, (uint32_t)len };
	memcpy(out, head, sizeof head);
	if (len > 0)
		memmove(out + 8, p, len);
	return packet_send(c->fd, out, 8 + len, fd);
}

int
channel_recv(struct channel *c, struct msg *out)
{
	uint32_t head[2];
	size_t len = 0;
	int fd = -1, err = packet_recv(c->fd, c->buf, sizeof c->buf, &len, &fd);

	if (err != 0)
		return err;
	if (len < 8)
		err = ERR_PROTO;
	else {
		memcpy(head, c->buf, sizeof head);
		if (head[1] != len - 8)
			err = ERR_PROTO;
		else if (head[0] >= MSG_TYPES || !allowed(&rows[head[0]], c->peer, c->self, len - 8, fd >= 0))
			err = ERR_DENIED;
	}
	if (err != 0) {
		log_error("channel_refused", "peer=%s type=%s len=%zu fd=%d error=\"%s\"", role_name(c->peer),
		    len >= 8 ? msg_name((enum msg_type)head[0]) : "?", len, fd >= 0, err_text(err));
		packet_close(fd);
		return err;
	}
	*out = (struct msg){ .type = (enum msg_type)head[0], .len = len - 8, .p = c->buf + 8, .fd = fd };
	return 0;
}

void
channel_close(struct channel *c)
{
	packet_close(c->fd);
	c->fd = -1;
}
