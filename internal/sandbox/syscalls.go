package sandbox

// System calls by what boxes have to do with them. A test sees to it that every
// call that golang.org/x/sys knows is in exactly one list.

// machineCalls administer a machine or reach around its other guards. No box has
// them.
var machineCalls = words(`
	acct add_key bpf chroot clock_settime delete_module fanotify_init fanotify_mark file_setattr finit_module fsconfig fsmount
	fsopen fspick init_module ioperm iopl kexec_file_load kexec_load keyctl listmount listns lookup_dcookie mount
	mount_setattr move_mount name_to_handle_at open_by_handle_at open_tree open_tree_attr perf_event_open pivot_root
	quotactl quotactl_fd reboot request_key setdomainname sethostname setns settimeofday statmount swapoff swapon
	syslog umount2 unshare uprobe uretprobe userfaultfd vhangup`)

// newCalls have older ones that programs fall back to, when they hear that there
// are none. What clone3(2) is asked for no filter can see; io_uring does what it
// is asked for behind the filter's back.
var newCalls = words(`clone3 io_uring_enter io_uring_register io_uring_setup`)

// peerCalls look into other processes, or at how the machine is made.
var peerCalls = words(`
	adjtimex clock_adjtime get_mempolicy kcmp lsm_set_self_attr mbind memfd_secret migrate_pages modify_ldt move_pages
	pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace set_mempolicy set_mempolicy_home_node`)

// sharedCalls work on what boxes share, such as a lock on a program file, or make
// memory that can be executed. Level very-strict does without them.
var sharedCalls = words(`
	flock inotify_add_watch inotify_init inotify_init1 inotify_rm_watch memfd_create mq_getsetattr mq_notify mq_open
	mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop shmat shmctl
	shmdt shmget`)

// scarceCalls use up what the kernel has once for all boxes: fs.aio-max-nr (aio(7)).
// Programs do without.
var scarceCalls = words(`io_setup`)

// filteredCalls depend on their arguments, see seccomp.go.
var filteredCalls = words(`clone fcntl ioctl personality socket socketpair`)

// plainCalls are everybody's.
var plainCalls = words(`
	accept accept4 access alarm arch_prctl bind brk cachestat capget capset chdir chmod chown clock_getres clock_gettime
	clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
	epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64
	fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fdatasync fgetxattr file_getattr flistxattr fork
	fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake futimesat
	get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer
	getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid
	getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat io_cancel io_destroy io_getevents io_pgetevents
	io_submit ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
	lgetxattr link linkat listen listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lsm_get_self_attr
	lsm_list_modules lstat madvise map_shadow_stack membarrier mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall
	mmap mprotect mremap mseal msync munlock munlockall munmap nanosleep newfstatat open openat openat2 pause pidfd_open
	pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64
	process_mrelease pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg
	remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall rmdir rseq rseq_slice_yield
	rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
	sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
	sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select
	sendfile sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups
	setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr
	setxattrat shutdown sigaltstack signalfd signalfd4 splice stat statfs statx symlink symlinkat sync sync_file_range
	syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
	timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork vmsplice
	wait4 waitid write writev`)

// absentCalls no kernel has any more, or never had; a filter that knows none
// answers as it does.
var absentCalls = words(`
	_sysctl afs_syscall create_module epoll_ctl_old epoll_wait_old get_kernel_syms getpmsg nfsservctl putpmsg query_module
	security sysfs tuxcall uselib ustat vserver`)
