/*
 * Receipts are written, and old ones read, by a thread of their own: a disk that takes seconds for a sync holds up no
 * link, and no other source of the process.
 * One job a stream at a time; while it lasts the file part of its receipts belongs to the thread.
 */
#ifndef DRIVER_UPSTREAM_SAVE_H
#define DRIVER_UPSTREAM_SAVE_H

#include "driver/upstream/receipts.h"

struct save_job {
	struct save_job		*next;
	struct receipts		*r;
	void			*user;
	uint32_t		 n;
	bool			 check;		/* receipts_check() instead: no rows */
	int			 err;		/* outcome */
	struct receipt		 rows[];
};

struct saver;
/* Starts the thread. 0 with *out given, to saver_close(); ERR_NOMEM or the kernel's. */
int saver_open(struct saver **out);
/*
 * Returns at once; what has been put is still done. all: the receipts that jobs were about, n of them, taken with their array: they are freed when the
 * thread is through with them. s may be NULL.
 */
void saver_close(struct saver *s, struct receipts **all, uint32_t n);
/* Readable when saver_done() has something. */
int saver_wake(const struct saver *s);
/* A job with room for n rows: given, and taken by saver_put(). Never NULL. */
struct save_job *save_job_new(struct receipts *r, void *user, uint32_t n);
void saver_put(struct saver *s, struct save_job *j);
/* The next that is done, given: free(). NULL: none. */
struct save_job *saver_done(struct saver *s);

#endif
