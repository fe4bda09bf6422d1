//! Sockets: listens, accepts, connects and waits. No protocol: nothing here knows HTTP.
//!
//! | file | what it does | system calls |
//! |---|---|---|
//! | [`service`] | the seam between a protocol and a driver | |
//! | [`listen`] | binds and listens | `socket` `bind` `listen` |
//! | [`listening_socket`] | a listening socket, of TCP or in the file system | `accept4` |
//! | [`handover`] | gives the listening sockets to the process that replaces this one | `sendmsg` `recvmsg` |
//! | `socket_file` | makes a socket in the file system, and removes it | `bind` `chmod` `listen` `unlink` |
//! | [`accept`] | accepts connections and hands them over; refuses beyond the limits (`refuse`) | `poll` `accept4` |
//! | [`datagram`] | receives datagrams, each of which is a job for a worker, and sends the replies | |
//! | `udp_socket` | a reply comes from the address that was asked | `recvmsg` `sendmsg` |
//! | `delayed` | replies that are sent later | |
//! | [`networks`] | ranges of addresses | |
//! | [`peer_address`] | the address of an accepted client, if it has one | |
//! | [`admission`] | limits open connections, in all and from one address | |
//! | [`address_rate`] | limits how often each address may do something | |
//! | [`lobby`] | the place where connections wait, and the workers that serve them | |
//! | [`poller`] | waits for many connections at once | `epoll_wait` `epoll_ctl` `timerfd_settime` |
//! | [`deadline`] | until when a wait may last, and what it waits for | |
//! | [`linger`] | the lingering close, so that no reset destroys a response | `shutdown` `recv` |
//! | [`stop_signal`] | a request to stop, which wakes the accept loop | `socketpair` |
//! | [`resolve`] | a name to addresses, with a deadline | `getaddrinfo` (a library call) |
//! | [`connect`] | addresses to a connection: the first that accepts | `socket` `connect` |
//! | [`stream`] | a client's connection, over TCP or a socket in the file system | `recv` `send` `setsockopt` |
//! | [`receive`] | receives by a deadline | `recv` |
//! | [`udp`] | a UDP socket with one peer | `socket` `bind` `connect` |
//! | [`socket`] | the socket calls that std lacks | `listen` `setsockopt` `poll` `sendfile` |
//! | [`thread_usage`] | the processor time of a thread, and whether it waits | `clock_gettime` `getrusage` |
//! | [`alarm`] | wakes waiting connections at given times | |
//! | [`waker`] | gives a waiting connection another turn, from any thread | |
//! | [`usual_time`] | how long a handler usually takes | |
//! | [`worker_record`] | what each worker has served, and is doing | |
//! | [`errors`] | what the errors of socket calls mean | |
//! | `port_holder` | which process has a port | |
//! | `interfaces` | the addresses of this machine in its networks | `getifaddrs` |
//! | [`log_throttle`] | limits a log line to once a second | |

pub mod accept;
pub mod address_rate;
pub mod admission;
pub mod alarm;
pub mod connect;
pub mod datagram;
pub mod deadline;
mod delayed;
pub mod errors;
pub mod handover;
mod interfaces;
pub mod linger;
pub mod listen;
pub mod listening_socket;
pub mod lobby;
pub mod local_end;
pub mod log_throttle;
pub mod networks;
pub mod peer_address;
pub mod poller;
mod port_holder;
pub mod receive;
mod refuse;
pub mod resolve;
pub mod service;
pub mod socket;
mod socket_file;
pub mod stop_signal;
pub mod stream;
pub mod thread_usage;
pub mod udp;
mod udp_socket;
pub mod usual_time;
pub mod waker;
pub mod worker_record;
