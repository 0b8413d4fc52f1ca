'use strict'
// Users who look at their tasks, at one of them, at another's, search, add one and change it. Each answer is looked at.

const { readFileSync, writeSync } = require('fs')
const autocannon = require('autocannon')

const { url, connections, seconds, people } = JSON.parse(readFileSync(0, 'utf8'))
const wrong = []
const users = new Set()
let checked = 0
let visits = 0

function any () {
  return people[Math.floor(Math.random() * people.length)]
}

function check (what, context, status, body, holds) {
  checked++
  let held = false
  try {
    held = holds(status, body === '' ? null : JSON.parse(body))
  } catch {}
  if (!held && wrong.length < 5) wrong.push({ what, user: context.user.id, status, body: String(body).slice(0, 500) })
}

/** A request of the user in the context; the first of them says who that is. */
function step (what, request, holds) {
  return {
    setupRequest: (base, context) => {
      if (context.user === undefined) {
        context.user = people[visits++ % people.length]
        do context.other = any(); while (context.other === context.user)
        users.add(context.user.id)
      }
      const { method, path, body } = request(context)
      const headers = { authorization: `Bearer ${context.user.token}` }
      if (body) headers['content-type'] = 'application/json'
      return { ...base, method, path, headers, body: body && JSON.stringify(body) }
    },
    onResponse: (status, body, context) => check(what, context, status, body, (status, body) => holds(status, body, context))
  }
}

const own = (status, task, { user }) => status < 300 && task.owner_id === user.id
const ownPage = (status, page, { user }) =>
  status === 200 && page.items.length > 0 && page.total >= page.items.length &&
  page.items.every(task => task.owner_id === user.id)

const requests = [
  step('list', () => ({ method: 'GET', path: '/tasks' }),
    (status, page, context) => ownPage(status, page, context) && page.items.length === 20 && page.total >= 50),
  step('read', ({ user }) => ({ method: 'GET', path: `/tasks/${user.task}` }),
    (status, task, context) => own(status, task, context) && task.owner === context.user.email &&
      task.comments.length === 1 && task.comments[0].text === `of ${context.user.email}`),
  step("another's", ({ other }) => ({ method: 'GET', path: `/tasks/${other.task}` }), status => status === 404),
  step('search', () => ({ method: 'GET', path: '/tasks?q=task%207' }), ownPage),
  step('second page', () => ({ method: 'GET', path: '/tasks?limit=10&offset=20' }), ownPage),
  step('add', () => ({ method: 'POST', path: '/tasks', body: { title: 'task of today', comment: 'first' } }),
    (status, task, context) => {
      context.added = task.id
      return status === 201 && own(status, task, context)
    }),
  step('change', ({ added }) => ({ method: 'PATCH', path: `/tasks/${added}`, body: { is_done: true } }),
    (status, task, context) => own(status, task, context) && task.is_done && task.id === context.added),
  step("change another's", ({ other }) => ({ method: 'PATCH', path: `/tasks/${other.task}`, body: { title: 'taken' } }),
    status => status === 404)
]

autocannon({ url, connections, duration: seconds, requests }).then(result => {
  const { duration, errors, timeouts, latency } = result
  const rate = checked / duration
  writeSync(1, JSON.stringify({
    checked, rate, wrong, visits, users: users.size, errors: errors + timeouts, median: latency.p50, p99: latency.p99
  }))
})
