/* See save.h. */
#include "driver/upstream/save.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "os/stream.h"
#include "os/wake.h"

#define STACK_BYTES	(256u << 10)

struct queue { struct save_job *first, **end; };

struct saver {
	atomic_int		 owners;	/* the driver and the thread */
	int			 wake;
	pthread_mutex_t		 lock;		/* of what follows */
	pthread_cond_t		 news;
	bool			 stop;
	struct queue		 jobs, done;
	struct receipts		**receipts;	/* taken at the end */
	uint32_t		 n;
};

static void
put(struct queue *q, struct save_job *j)
{
	j->next = NULL;
	*q->end = j;
	q->end = &j->next;
}

static struct save_job *
get(struct queue *q)
{
	struct save_job *j = q->first;

	if (j != NULL && (q->first = j->next) == NULL)
		q->end = &q->first;
	return j;
}

static void
free_receipts(struct receipts **all, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		receipts_free(all[i]);
	free(all);
}

static void
drop(struct saver *s)
{
	struct save_job *j;

	if (atomic_fetch_sub(&s->owners, 1) != 1)
		return;
	while ((j = get(&s->jobs)) != NULL || (j = get(&s->done)) != NULL)
		free(j);
	free_receipts(s->receipts, s->n);
	stream_close(s->wake);
	pthread_cond_destroy(&s->news);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Waits for one. NULL: to end, and nothing is left to do. */
static struct save_job *
next_job(struct saver *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->stop && s->jobs.first == NULL)
		pthread_cond_wait(&s->news, &s->lock);
	struct save_job *j = get(&s->jobs);
	pthread_mutex_unlock(&s->lock);
	return j;
}

static void *
run(void *arg)
{
	struct saver *s = arg;
	struct save_job *j;

	while ((j = next_job(s)) != NULL) {
		j->err = j->check ? receipts_check(j->r) : receipts_save(j->r, j->rows, j->n);
		pthread_mutex_lock(&s->lock);
		put(&s->done, j);
		pthread_mutex_unlock(&s->lock);
		wake_set(s->wake);
	}
	drop(s);
	return NULL;
}

static int
start(struct saver *s)
{
	pthread_attr_t attr;
	pthread_t id;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int err = pthread_create(&id, &attr, run, s);
	pthread_attr_destroy(&attr);
	return err == 0 ? 0 : ERR_NOMEM;
}

int
saver_open(struct saver **out)
{
	struct saver *s = calloc(1, sizeof *s);

	if (s == NULL)
		return ERR_NOMEM;
	s->jobs.end = &s->jobs.first;
	s->done.end = &s->done.first;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->news, NULL);
	atomic_init(&s->owners, 2);
	int err = wake_open(&s->wake);
	if (err == 0)
		err = start(s);
	if (err != 0) {
		atomic_store(&s->owners, 1);
		drop(s);
		return err;
	}
	*out = s;
	return 0;
}

void
saver_close(struct saver *s, struct receipts **all, uint32_t n)
{
	if (s == NULL) {
		free_receipts(all, n);
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	s->receipts = all;
	s->n = n;
	pthread_cond_signal(&s->news);
	pthread_mutex_unlock(&s->lock);
	drop(s);
}

int
saver_wake(const struct saver *s)
{
	return s->wake;
}

struct save_job *
save_job_new(struct receipts *r, void *user, uint32_t n)
{
	struct save_job *j = calloc(1, sizeof *j + n * sizeof j->rows[0]);

	if (j == NULL)
		fatal("out_of_memory", "what=\"receipts of another node\"");
	j->r = r;
	j->user = user;
	j->n = n;
	return j;
}

void
saver_put(struct saver *s, struct save_job *j)
{
	pthread_mutex_lock(&s->lock);
	put(&s->jobs, j);
	pthread_cond_signal(&s->news);
	pthread_mutex_unlock(&s->lock);
}

struct save_job *
saver_done(struct saver *s)
{
	wake_clear(s->wake);
	pthread_mutex_lock(&s->lock);
	struct save_job *j = get(&s->done);
	bool more = s->done.first != NULL;
	pthread_mutex_unlock(&s->lock);
	if (more)
		wake_set(s->wake);
	return j;
}
