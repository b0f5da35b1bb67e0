// SPDX-License-Identifier: MIT
#pragma once

// Boost's Asio beside the one without Boost, which both have some namespaces of the same name at
// the top.

#define asio_require_fn boost_asio_require_fn
#define asio_require_concept_fn boost_asio_require_concept_fn
#define asio_query_fn boost_asio_query_fn
#define asio_prefer_fn boost_asio_prefer_fn
#define asio_execution_submit_fn boost_asio_execution_submit_fn
#define asio_execution_start_fn boost_asio_execution_start_fn
#define asio_execution_set_value_fn boost_asio_execution_set_value_fn
#define asio_execution_set_error_fn boost_asio_execution_set_error_fn
#define asio_execution_set_done_fn boost_asio_execution_set_done_fn
#define asio_execution_schedule_fn boost_asio_execution_schedule_fn
#define asio_execution_execute_fn boost_asio_execution_execute_fn
#define asio_execution_connect_fn boost_asio_execution_connect_fn
#define asio_execution_bulk_execute_fn boost_asio_execution_bulk_execute_fn

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#undef asio_require_fn
#undef asio_require_concept_fn
#undef asio_query_fn
#undef asio_prefer_fn
#undef asio_execution_submit_fn
#undef asio_execution_start_fn
#undef asio_execution_set_value_fn
#undef asio_execution_set_error_fn
#undef asio_execution_set_done_fn
#undef asio_execution_schedule_fn
#undef asio_execution_execute_fn
#undef asio_execution_connect_fn
#undef asio_execution_bulk_execute_fn
