/* Waking a thread that waits: a descriptor that one side makes readable and the other waits on. And that waiting. */
#ifndef OS_WAKE_H
#define OS_WAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 with *fd given (stream_close()), non-blocking and close-on-exec; or an error of the kernel. */
int wake_open(int *fd);
/* Make it readable. From any thread; never blocks. */
void wake_set(int fd);
/* Make it quiet again. */
void wake_clear(int fd);

struct wait_fd {
	int	fd;
	bool	in, out;		/* wait for */
	bool	can_in, can_out;	/* came; an error or a hang-up counts as both */
};
/* Wait until one of n is ready, or ns have passed (negative: for ever). Returns how many are ready; a signal is no reason to return early but 0. */
unsigned wait_fds(struct wait_fd *v, unsigned n, int64_t ns);
#define WAIT_FDS_MAX 16u

#endif
