#pragma once

#include "gateway/exchange.h"
#include "gateway/pipeline.h"
#include "ring/task.h"

/// The steps of an exchange, in the order in which pipeline.cpp takes them.
namespace ringway::gateway {

// receive.cpp ----------------------------------------------------------------------------------
/// Reads the head: which call it is, and what of it goes on to an upstream.
Status begin(Exchange& exchange);
/// For a head that cannot be parsed: the call that its first line seems to make, which decides no
/// more than in which API's shape the error is told.
void guess_call(Exchange& exchange);
/// Who calls. No I/O: the keys are in memory.
Status identify(Exchange& exchange);
/// Whether poll_request_body() is to be called, or the body streams through.
Status prepare_body(Exchange& exchange);
/// Takes in what has come of the body, and scans it. Done when all of it is there.
Result<http::Progress> poll_request_body(Exchange& exchange);

// local.cpp ------------------------------------------------------------------------------------
/// Paths that are answered without asking who calls.
bool is_public(Bytes path);
/// Answers from ringway itself: health, the list of models. False: an upstream is to answer.
Result<bool> answer_locally(Exchange& exchange);

// plan.cpp -------------------------------------------------------------------------------------
/// The targets to try, in order, if the caller may have them, and the edits of the body.
Status plan(Exchange& exchange);
/// Whether the caller may use a model: by the name asked for, or because it may use all its
/// targets.
bool may_use(const Exchange& exchange, Bytes model, std::span<const route::Target> targets);

// forward.cpp ----------------------------------------------------------------------------------
/// Attempts until one answers: then exchange.upstream has its head in RequestState::answer.
ring::Task<Status> forward(Exchange& exchange);

// relay.cpp ------------------------------------------------------------------------------------
/// Passes the answer on to its end; `outcome` says how that was.
ring::Task<void> relay(Exchange& exchange, Status& outcome);

// respond.cpp ----------------------------------------------------------------------------------
/// Writes a whole answer of ringway's own.
void respond(Exchange& exchange, uint16_t status, Bytes content_type, Bytes body);
/// The answer to an error, in the shape of the API that was called.
void respond_error(Exchange& exchange, const Error& error);
/// What a client is told of `error`. Views die with the request's detail.
ApiError describe(const Exchange& exchange, const Error& error);
/// It is an error that comes after other targets were tried: for the client to ask again would
/// multiply the load.
bool has_tried_all(const Exchange& exchange);
/// Fields that every answer carries, after its status line.
void write_common_fields(Exchange& exchange, http::HeadWriter& head);

// finish.cpp -----------------------------------------------------------------------------------
/// Ends the exchange, exactly once, on every path: answers errors that nobody answered yet, gives
/// back the upstream's connection, counts, logs.
AfterAnswer finish(Exchange& exchange, Status outcome);

} // namespace ringway::gateway
