"""A backend for the users of managed databases: a JSON API, an audit as a stream, and one page.

From the root of the repository, with `dbusers sandbox` running in another terminal and the lines
that it prints pasted here:

    uvicorn docs.examples.fastapi_app.app:app --timeout-graceful-shutdown 5

`app` puts it together; `clients` says which clients it has and what each worker may send; `users`
lists, creates, rotates and removes, in the words of `models`, over the two providers in
`providers`; `audits` streams an audit; `page` serves the page. It has no login: it is for your own
machine until the routers depend on yours. `APP_HOSTS` lists the names under which browsers reach
it, where that is not localhost.
"""
