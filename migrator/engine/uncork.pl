# uncork.pl PID FD: takes TCP_CORK off a socket of another process, again and again until that has closed it: CRIU sets it only after
# the TLS handshake. (pidfd_open 434, pidfd_getfd 438; Linux 5.6.) The copy is closed each time, or the connection would outlive CRIU.
use strict;
use Socket qw(IPPROTO_TCP);

my ($pid, $fd) = map { $_ + 0 } @ARGV;
my $process = syscall(434, $pid, 0);
die "pidfd_open: $!\n" if $process < 0;
my $done = 0;
while (1) {
    my $socket = syscall(438, $process, $fd, 0);
    last if $socket < 0;
    open(my $handle, '+<&=', $socket) or die "open: $!\n";
    setsockopt($handle, IPPROTO_TCP, 3, pack('i', 0)) or die "setsockopt: $!\n";
    close($handle);
    $done++;
    select(undef, undef, undef, 0.004);
}
die "pidfd_getfd: $!\n" unless $done;
