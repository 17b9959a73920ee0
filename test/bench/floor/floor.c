/*
 * floor N PROCESSES PROGRAM: how fast this machine can run a program N times at
 * all, when the outputs are captured. Each process spawns, reads both pipes to
 * their end and waits, again and again. Prints runs per second.
 *
 * The pipes are read one after the other, which is safe with programs that write
 * less than a pipe holds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static _Noreturn void fail(const char *what, int error)
{
	errno = error;
	perror(what);
	exit(1);
}

static void drain(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) != 0)
		if (n < 0 && errno != EINTR)
			fail("read", errno);
	close(fd);
}

static void run(char *program)
{
	char *argv[] = {program, NULL};
	posix_spawn_file_actions_t actions;
	int out[2], err[2], error, status;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("pipe2", errno);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
	if ((error = posix_spawn(&pid, program, &actions, NULL, argv, environ)))
		fail(program, error);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	close(err[1]);
	drain(out[0]);
	drain(err[0]);
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid", errno);
	if (status != 0) {
		fprintf(stderr, "%s: it ended with wait status %#x\n", program, status);
		exit(1);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	long n, processes, i, share;
	int status, failed = 0;
	double start;

	if (argc != 4 || (n = atol(argv[1])) < 1 || (processes = atol(argv[2])) < 1) {
		fprintf(stderr, "usage: floor N PROCESSES PROGRAM\n");
		return 2;
	}
	start = now();
	for (i = 0; i < processes; i++) {
		share = n * (i + 1) / processes - n * i / processes;
		switch (fork()) {
		case -1:
			fail("fork", errno);
		case 0:
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (share-- > 0)
				run(argv[3]);
			_exit(0);
		}
	}
	for (i = 0; i < processes; i++)
		if (wait(&status) < 0 || status != 0)
			failed = 1;
	if (failed)
		return 1;
	printf("%.1f\n", n / (now() - start));
	return 0;
}
