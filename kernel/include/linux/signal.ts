/** Signal numbers and default actions of Linux i386 (include/asm-i386/signal.h). */
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGSTKFLT = 16;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGIO = 29;
export const SIGPWR = 30;
export const SIGSYS = 31;
/** Signals are numbered 1 to 64; each is bit n-1 of a sigset. */
export const _NSIG = 64;

/** Low byte of clone flags: the signal sent to the parent at exit. */
export const CSIGNAL = 0xff;

/** Flags of an action (include/asm-i386/signal.h). */
export const SA_NOCLDSTOP = 0x00000001;
export const SA_NOCLDWAIT = 0x00000002;
export const SA_SIGINFO = 0x00000004;
export const SA_RESTORER = 0x04000000;
export const SA_ONSTACK = 0x08000000;
export const SA_RESTART = 0x10000000;
export const SA_NODEFER = 0x40000000;
export const SA_RESETHAND = 0x80000000;
/** Handlers that are none. */
export const SIG_DFL = 0;
export const SIG_IGN = 1;

/** How sigprocmask changes the mask. */
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

/** ss_flags of an alternate stack: in use; there is none. */
export const SS_ONSTACK = 1;
export const SS_DISABLE = 2;
export const MINSIGSTKSZ = 2048;

/** si_code: sent by kill, by tkill; by the kernel. */
export const SI_USER = 0;
export const SI_TKILL = -6;
export const SI_KERNEL = 0x80;
/** si_code of SIGSEGV: nothing mapped, or not allowed. */
export const SEGV_MAPERR = 1;
export const SEGV_ACCERR = 2;
