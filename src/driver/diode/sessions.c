/*
 * The sessions that were taken, so that a recording of an old one is not taken for a sender: <state>/link/<source>/sessions, 8 bytes each, oldest first. The
 * newest may go on after a restart: what is repeated of it is known by its numbers. More than SESSIONS_MAX are forgotten from the oldest on; a recording
 * that old would still bring only numbers that were received.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "driver/diode/diode_int.h"

int
sessions_open(struct dd_sessions *s, const char *dir)
{
	uint8_t room[SESSIONS_MAX * 8];
	struct disk_stat st;

	s->n = 0;
	if (snprintf(s->path, sizeof s->path, "%s/sessions", dir) >= (int)sizeof s->path)
		return ERR_LIMIT;
	int fd = disk_os.open(disk_os.ctx, s->path, DISK_READ);
	if (fd < 0)
		return fd == ERR_NOTFOUND ? 0 : fd;
	int err = disk_os.fstat(disk_os.ctx, fd, &st);
	if (err == 0 && (st.size > sizeof room || st.size % 8 != 0))
		err = ERR_CORRUPT;
	if (err == 0)
		err = disk_read_all(&disk_os, fd, room, (size_t)st.size, 0);
	disk_os.close(disk_os.ctx, fd);
	if (err != 0)
		return err;
	struct reader r = rd_init(room, (size_t)st.size);
	while (rd_left(&r) > 0)
		s->seen[s->n++] = rd_le64(&r);
	return 0;
}

bool
sessions_take(struct dd_sessions *s, uint64_t session)
{
	uint8_t room[SESSIONS_MAX * 8];
	struct writer w = wr_init(room, sizeof room);

	if (s->n > 0 && s->seen[s->n - 1] == session)
		return true;
	for (uint32_t i = 0; i < s->n; i++)
		if (s->seen[i] == session) {
			log_warn("diode_session_refused", "session=%016llx why=\"it was seen before: two senders have one key, or somebody plays a recording\"",
			    (unsigned long long)session);
			return false;
		}
	if (s->n == SESSIONS_MAX)
		memmove(s->seen, s->seen + 1, --s->n * sizeof s->seen[0]);
	s->seen[s->n++] = session;
	for (uint32_t i = 0; i < s->n; i++)
		wr_le64(&w, s->seen[i]);
	int err = disk_replace(&disk_os, s->path, room, wr_len(&w));
	if (err != 0)	/* to take nothing would lose data for certain; a recording brings only known numbers */
		log_error("diode_sessions", "file=\"%s\" error=\"%s\" effect=\"after a restart this session could not be told from a new one\"", s->path, err_text(err));
	log_info("diode_session", "session=%016llx", (unsigned long long)session);
	return true;
}
