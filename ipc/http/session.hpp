// Internal to ipc/http: one connection over any stream (plain TCP or TLS). Only session.cpp includes it.
//
// Threads: everything runs on the strand of the stream; the public functions post there.
// Life of a request: wait for its first byte (idle deadline) -> header (header deadline) -> admission -> framing and
// size checks -> body (body deadline) -> handler -> answer (write deadline) -> the next one, which may be in the buffer
// already. One request at a time, which is what keeps pipelined answers in order.
//
// Every operation that Asio completes later costs a turn through its queue, and often a thread that is woken: more than
// all the rest of a small request. So what a plain socket has or takes now is read and written without that, up to
// kMostAtOnce reads, and deadlines are no timers but numbers, which the server looks at every now and then.
#pragma once

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <limits>
#include <optional>

#include "ipc/http/connection.hpp"
#include "ipc/http/error_map.hpp"
#include "ipc/http/framing.hpp"

namespace ndb::http {

namespace net = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

template <class Stream>
class Session final : public Connection, public std::enable_shared_from_this<Session<Stream>> {
 public:
  static constexpr bool kTls = !std::is_same_v<Stream, Socket>;

  template <class... StreamArguments>
  explicit Session(std::shared_ptr<ConnectionContext> context, StreamArguments&&... arguments)
      : context_(std::move(context)),
        stream_(std::forward<StreamArguments>(arguments)...),
        socket_(beast::get_lowest_layer(stream_).native_handle()),
        buffer_(kMaxBufferBytes) {}
  ~Session() override {
    release_bytes();
    context_->registry.remove(this);
  }

  void start() override;
  void send(Response&& response) override;
  [[nodiscard]] bool run(Lane lane, Job& job) override;
  [[nodiscard]] bool caller_has_gone() const override;
  void count_late() override { context_->overloaded.fetch_add(1, std::memory_order_relaxed); }
  void abandon() override;
  void drain() override;
  void abort() override;
  [[nodiscard]] bool is_late(Clock::time_point now) const noexcept override {
    return now.time_since_epoch().count() > deadline_.load(std::memory_order_relaxed);
  }
  void end_if_late() override;

 private:
  enum class State : std::uint8_t { idle, reading, handling, writing, closing };

  static constexpr std::size_t kMaxBufferBytes = 256U << 10;
  static constexpr std::size_t kIdleBufferBytes =
      1024;  // TLS: most of what an idle connection costs beside OpenSSL's part
  static constexpr std::size_t kSmallBufferBytes = 16U << 10;
  static constexpr std::size_t kSmallAnswerBytes = 64U << 10;
  static constexpr int kMostAtOnce = 32;  // reads in a row before others get their turn
  static constexpr std::size_t kLargeBufferBytes = 64U << 10;
  static constexpr std::chrono::milliseconds kLingerTime{2'000};

  void wait_for_request();
  void on_readable(error_code error);
  void begin_request();
  void parse();
  void read_more();
  [[nodiscard]] bool read_now();
  [[nodiscard]] std::size_t next_read_bytes() const;
  void on_bytes(error_code error, std::size_t bytes);
  void accept_header();
  void accept_framing();
  void answer_early(Response&& response, bool framing_is_known);
  void copy_headers();
  [[nodiscard]] bool check_expectation();
  /// The whole body stands in the buffer.
  [[nodiscard]] bool body_is_here() const {
    return framing_.kind != Framing::Kind::chunked && framing_.content_length <= buffer_.size();
  }
  [[nodiscard]] bool reserve_bytes(std::uint64_t bytes);
  void release_bytes() noexcept;
  [[nodiscard]] Error too_large_body() const;
  void read_body();
  void on_body();
  void handle();
  void on_read_error(error_code error);
  void refuse(unsigned status, Error error);
  void write(Response&& response);
  void write_out();
  void on_written(error_code error);
  void finish();
  void linger();
  void close() noexcept;

  void deadline(std::chrono::milliseconds timeout) {
    deadline_.store((Clock::now() + timeout).time_since_epoch().count(), std::memory_order_relaxed);
  }
  void no_deadline() { deadline_.store(kNever, std::memory_order_relaxed); }
  template <class... Arguments>
  auto then(void (Session::*next)(Arguments...)) {
    return beast::bind_front_handler(next, this->shared_from_this());
  }

  const std::shared_ptr<ConnectionContext> context_;
  Stream stream_;
  const int socket_;  // of stream_, for caller_has_gone()
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  State state_ = State::idle;
  static constexpr Clock::rep kNever = std::numeric_limits<Clock::rep>::max();
  std::atomic<Clock::rep> deadline_{kNever};  // relaxed: looked at again on the strand before anything is ended
  int reads_at_once_ = 0;
  Request request_;
  Framing framing_;
  std::uint64_t body_limit_ = 0;
  std::uint64_t reserved_bytes_ = 0;  ///< of context_->buffered_bytes
  bool keep_alive_ = false;           ///< the client allows another request
  bool unread_input_ = false;         ///< the client may still be sending what we refused
  bool close_after_write_ = false;
  bool head_only_ = false;  ///< HEAD: the answer's body is not sent
  unsigned http_version_ = 11;
  std::string answer_header_;
  std::string answer_body_;
};

template <class Stream>
void Session<Stream>::start() {
  net::dispatch(stream_.get_executor(), [self = this->shared_from_this()] {
    if constexpr (kTls) {
      self->deadline(self->context_->options.header_timeout);
      self->stream_.async_handshake(net::ssl::stream_base::server,
                                    [self](error_code error) { error ? self->close() : self->wait_for_request(); });
    } else {
      error_code error;
      self->stream_.non_blocking(true, error);
      error ? self->close() : self->wait_for_request();
    }
  });
}

template <class Stream>
void Session<Stream>::wait_for_request() {
  // Posted: a client that pipelines thousands of requests must not have them answered on one stack.
  if (buffer_.size() > 0) {
    state_ = State::reading;
    deadline(context_->options.header_timeout);
    return net::post(stream_.get_executor(), [self = this->shared_from_this()] {
      self->state_ == State::closing ? self->close() : self->begin_request();
    });
  }
  state_ = State::idle;
  // Looked at after the state was set: drain() sees the idle state, or we see its flag.
  if (context_->draining.load(std::memory_order_acquire)) return close();
  buffer_.shrink_to_fit();  // it is empty: nothing stays
  deadline(context_->options.idle_timeout);
  if constexpr (kTls) {
    stream_.async_read_some(buffer_.prepare(kIdleBufferBytes),
                            [self = this->shared_from_this()](error_code error, std::size_t bytes) {
                              self->buffer_.commit(bytes);
                              self->on_readable(error);
                            });
  } else {
    stream_.async_wait(Socket::wait_read, beast::bind_front_handler(&Session::on_readable, this->shared_from_this()));
  }
}

template <class Stream>
void Session<Stream>::on_readable(error_code error) {
  if (error || state_ == State::closing) return close();
  begin_request();
}

template <class Stream>
void Session<Stream>::begin_request() {
  state_ = State::reading;
  reads_at_once_ = 0;
  parser_.emplace();
  parser_->header_limit(context_->options.max_header_bytes);
  parser_->body_limit(boost::none);  // checked by accept_header(), after the framing
  deadline(context_->options.header_timeout);
  parse();
}

// Parses what is there, reads what is not, and goes on when the header, or then the body, is whole.
template <class Stream>
void Session<Stream>::parse() {
  const bool wants_body = parser_->is_header_done();
  do {
    while (buffer_.size() > 0) {
      error_code error;
      buffer_.consume(parser_->put(buffer_.data(), error));
      if (error == beast::http::error::need_more) break;
      if (error) return on_read_error(error);
      if (!wants_body && parser_->is_header_done()) return accept_header();
      if (wants_body && parser_->is_done()) return on_body();
    }
    if (buffer_.size() == buffer_.max_size()) return on_read_error(beast::http::error::buffer_overflow);
  } while (read_now());
}

// Whether something was read at once; otherwise it will be, and parse() called again.
template <class Stream>
bool Session<Stream>::read_now() {
  if constexpr (!kTls) {
    if (reads_at_once_++ < kMostAtOnce) {
      error_code error;
      const std::size_t room = std::min(next_read_bytes(), buffer_.max_size() - buffer_.size());
      const std::size_t bytes = stream_.read_some(buffer_.prepare(room), error);
      if (!error) return buffer_.commit(bytes), true;
      if (error != net::error::would_block) return close(), false;
    }
  }
  read_more();
  return false;
}

template <class Stream>
std::size_t Session<Stream>::next_read_bytes() const {
  const bool is_large = parser_->is_header_done() &&
                        (framing_.kind == Framing::Kind::chunked || framing_.content_length > kSmallBufferBytes);
  return is_large ? kLargeBufferBytes : kSmallBufferBytes;
}

template <class Stream>
void Session<Stream>::read_more() {
  reads_at_once_ = 0;
  if constexpr (kTls) {
    const std::size_t room = std::min(next_read_bytes(), buffer_.max_size() - buffer_.size());
    stream_.async_read_some(buffer_.prepare(room), then(&Session::on_bytes));
  } else {
    stream_.async_wait(Socket::wait_read,
                       [self = this->shared_from_this()](error_code error) { self->on_bytes(error, 0); });
  }
}

template <class Stream>
void Session<Stream>::on_bytes(error_code error, std::size_t bytes) {
  if (error || state_ == State::closing) return close();  // gone, or too slow
  buffer_.commit(bytes);
  parse();
}

template <class Stream>
void Session<Stream>::copy_headers() {
  const auto& message = parser_->get();
  request_ = Request{};
  request_.method = message.method_string();
  request_.target = message.target();
  for (const auto& field : message)
    request_.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  http_version_ = message.version();
  keep_alive_ = parser_->keep_alive();
  head_only_ = message.method() == beast::http::verb::head;
}

template <class Stream>
void Session<Stream>::accept_header() {
  copy_headers();
  auto framing = check_framing(request_.headers, http_version_);
  framing_ = framing.value_or(Framing{});
  Admission admission = context_->admit ? context_->admit(request_) : Admission{};
  if (admission.refusal) return answer_early(std::move(*admission.refusal), framing.has_value());
  if (!framing) return refuse(400, std::move(framing).error());
  // Overload is told as cheaply as it can be: what refusing takes is taken from what could be done.
  if (admission.lane == Lane::cpu && body_is_here() && context_->cpu->refuses()) {
    context_->overloaded.fetch_add(1, std::memory_order_relaxed);
    return answer_early(overloaded_response(), true);
  }
  body_limit_ = std::min(admission.max_body_bytes, context_->options.max_body_bytes);
  accept_framing();
}

// An answer that needs no body. The connection lives on if it is known where the next request begins and nothing has to
// be read to get there.
template <class Stream>
void Session<Stream>::answer_early(Response&& response, bool framing_is_known) {
  state_ = State::handling;
  parser_.reset();
  if (framing_is_known && body_is_here()) {
    buffer_.consume(static_cast<std::size_t>(framing_.content_length));
  } else {
    unread_input_ = true;
    keep_alive_ = false;
  }
  write(std::move(response));
}

template <class Stream>
void Session<Stream>::accept_framing() {
  if (framing_.content_length > body_limit_) return refuse(413, too_large_body());
  parser_->body_limit(body_limit_);  // for chunked bodies
  if (framing_.kind == Framing::Kind::none) return on_body();
  if (!reserve_bytes(framing_.content_length)) {
    context_->overloaded.fetch_add(1, std::memory_order_relaxed);
    return refuse(429, {ErrorCode::overloaded, "too many bytes of requests are waiting; try again later", {}});
  }
  if (check_expectation()) read_body();
}

// Whether the body may be read at once.
template <class Stream>
bool Session<Stream>::check_expectation() {
  const auto expect = find_header(request_.headers, "Expect");
  if (!expect || http_version_ < 11) return true;
  if (!equal_ignoring_case(*expect, "100-continue")) {
    refuse(417, {ErrorCode::invalid_argument, "only Expect: 100-continue is understood", "Expect"});
    return false;
  }
  if (buffer_.size() > 0) return true;  // the client did not wait
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  deadline(context_->options.write_timeout);
  net::async_write(stream_, net::buffer(kContinue), [self = this->shared_from_this()](error_code error, std::size_t) {
    error || self->state_ == State::closing ? self->close() : self->read_body();
  });
  return false;
}

template <class Stream>
bool Session<Stream>::reserve_bytes(std::uint64_t bytes) {
  const std::uint64_t before = context_->buffered_bytes.fetch_add(bytes, std::memory_order_relaxed);
  reserved_bytes_ += bytes;
  if (before + bytes <= context_->options.max_buffered_bytes) return true;
  release_bytes();
  return false;
}

template <class Stream>
void Session<Stream>::release_bytes() noexcept {
  context_->buffered_bytes.fetch_sub(reserved_bytes_, std::memory_order_relaxed);
  reserved_bytes_ = 0;
}

template <class Stream>
Error Session<Stream>::too_large_body() const {
  return {ErrorCode::invalid_argument, "the body is larger than " + std::to_string(body_limit_) + " bytes", "body"};
}

template <class Stream>
void Session<Stream>::read_body() {
  deadline(context_->options.body_timeout);
  parser_->eager(true);
  parse();
}

template <class Stream>
void Session<Stream>::on_body() {
  request_.body = std::move(parser_->get().body());
  if (framing_.kind == Framing::Kind::chunked && !reserve_bytes(request_.body.size())) {
    context_->overloaded.fetch_add(1, std::memory_order_relaxed);
    return refuse(429, {ErrorCode::overloaded, "too many bytes of requests are waiting; try again later", {}});
  }
  request_.body.reserve(request_.body.size() + Request::kBodyPadding);
  parser_.reset();
  handle();
}

template <class Stream>
void Session<Stream>::handle() {
  state_ = State::handling;
  no_deadline();
  context_->requests.fetch_add(1, std::memory_order_relaxed);
  try {
    context_->handler(std::move(request_), Responder(this->shared_from_this()));
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the responder, unwound, has answered 500
  }
}

template <class Stream>
void Session<Stream>::on_read_error(error_code error) {
  namespace http = beast::http;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    const std::string limit = std::to_string(context_->options.max_header_bytes);
    return refuse(431, {ErrorCode::invalid_argument, "the header is larger than " + limit + " bytes", "header"});
  }
  if (error == http::error::body_limit) {
    return refuse(413, too_large_body());
  }
  refuse(400, {ErrorCode::invalid_argument, "malformed HTTP: " + error.message(), {}});
}

// Answers what never becomes a request, and ends the connection: where the next request would begin is not known.
template <class Stream>
void Session<Stream>::refuse(unsigned status, Error error) {
  context_->bad_requests.fetch_add(1, std::memory_order_relaxed);
  state_ = State::handling;
  unread_input_ = true;
  keep_alive_ = false;
  parser_.reset();
  write(error_response(status, error));
}

template <class Stream>
void Session<Stream>::send(Response&& response) {
  if (context_->stopped.load(std::memory_order_acquire)) return;
  net::dispatch(stream_.get_executor(), [self = this->shared_from_this(), answer = std::move(response)]() mutable {
    self->write(std::move(answer));
  });
}

template <class Stream>
void Session<Stream>::write(Response&& response) {
  if (state_ != State::handling) return;  // answered already, or aborted
  state_ = State::writing;
  release_bytes();
  // A small answer always gets out: it may say what was done, and that must not read as a refusal.
  if (response.body.size() > kSmallAnswerBytes && !reserve_bytes(response.body.size())) {
    context_->overloaded.fetch_add(1, std::memory_order_relaxed);
    response = error_response(429, {ErrorCode::overloaded, "too many bytes of answers are on their way", {}});
  }
  const bool draining = context_->draining.load(std::memory_order_acquire);
  close_after_write_ = response.close || !keep_alive_ || draining;
  answer_header_ = serialize_header(response, !close_after_write_, http_version_);
  answer_body_ = head_only_ ? std::string() : std::move(response.body);
  const auto wait = response.status == 429 ? context_->pacer->next() : Clock::duration{0};
  deadline(context_->options.write_timeout + std::chrono::duration_cast<std::chrono::milliseconds>(wait));
  if (wait == Clock::duration{0}) return write_out();
  const auto timer = std::make_shared<net::steady_timer>(stream_.get_executor(), wait);
  timer->async_wait([self = this->shared_from_this(), timer](error_code) { self->write_out(); });
}

template <class Stream>
void Session<Stream>::write_out() {
  std::array<net::const_buffer, 2> buffers{net::buffer(answer_header_), net::buffer(answer_body_)};
  if constexpr (!kTls) {
    error_code error;
    std::size_t sent = stream_.write_some(buffers, error);
    if (error && error != net::error::would_block) return close();
    for (net::const_buffer& buffer : buffers) {
      const std::size_t part = std::min(sent, buffer.size());
      buffer += part;
      sent -= part;
    }
    if (net::buffer_size(buffers) == 0) return on_written({});
  }
  net::async_write(stream_, buffers,
                   [self = this->shared_from_this()](error_code error, std::size_t) { self->on_written(error); });
}

template <class Stream>
void Session<Stream>::on_written(error_code error) {
  if (error || state_ == State::closing) return close();
  answer_body_ = std::string();
  release_bytes();
  if (close_after_write_) return finish();
  wait_for_request();
}

template <class Stream>
void Session<Stream>::finish() {
  state_ = State::closing;
  if constexpr (kTls) {
    deadline(kLingerTime);
    stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->close(); });
  } else {
    error_code ignored;
    stream_.shutdown(Socket::shutdown_send, ignored);
    if (!unread_input_ && buffer_.size() == 0) return close();
    deadline(kLingerTime);
    linger();
  }
}

// Closing with input unread resets the connection, and the reset can overtake the answer: so read on for a while.
template <class Stream>
void Session<Stream>::linger() {
  buffer_.clear();
  stream_.async_read_some(
      buffer_.prepare(kLargeBufferBytes),
      [self = this->shared_from_this()](error_code error, std::size_t) { error ? self->close() : self->linger(); });
}

template <class Stream>
bool Session<Stream>::run(Lane lane, Job& job) {
  const bool taken = lane == Lane::cpu ? context_->cpu->run(job) : context_->blocking->submit(job);
  if (!taken) context_->overloaded.fetch_add(1, std::memory_order_relaxed);
  return taken;
}

// From any thread: only while a request is handled, when nothing but the end of the server closes the socket.
template <class Stream>
bool Session<Stream>::caller_has_gone() const {
  if (context_->draining.load(std::memory_order_acquire)) return false;
  char byte = 0;
  const ssize_t got = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

template <class Stream>
void Session<Stream>::abandon() {
  context_->abandoned.fetch_add(1, std::memory_order_relaxed);
  if (context_->stopped.load(std::memory_order_acquire)) return;
  net::post(stream_.get_executor(), [self = this->shared_from_this()] { self->close(); });
}

template <class Stream>
void Session<Stream>::drain() {
  net::post(stream_.get_executor(), [self = this->shared_from_this()] {
    if (self->state_ == State::idle || self->state_ == State::closing) self->close();
  });
}

template <class Stream>
void Session<Stream>::abort() {
  net::post(stream_.get_executor(), [self = this->shared_from_this()] { self->close(); });
}

template <class Stream>
void Session<Stream>::end_if_late() {
  net::post(stream_.get_executor(), [self = this->shared_from_this()] {
    if (self->is_late(Clock::now())) self->close();
  });
}

template <class Stream>
void Session<Stream>::close() noexcept {
  state_ = State::closing;
  no_deadline();
  error_code ignored;
  beast::get_lowest_layer(stream_).close(ignored);
}

}  // namespace ndb::http
