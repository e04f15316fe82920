// Log in; when the password is the first one, choose another; then to the station, or to the page that asked for it.
const said = document.getElementById("said");
const login = document.getElementById("login");
const change = document.getElementById("change");
const texts = document.body.dataset;

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-EVSE-Request": "1" },
    body: JSON.stringify(body),
  });
  return { response, answer: await response.json().catch(() => ({})) };
}

function say(text) {
  said.textContent = text;
  said.hidden = !text;
}

function refused(response, answer) {
  if (response.status === 401) return texts.wrong;
  if (response.status === 429) return texts.wait.replace("{s}", response.headers.get("Retry-After") || "?");
  return [answer.error || texts.busy, answer.allowed, answer.hint].filter(Boolean).join(" · ");
}

async function send(form, path, body, done) {
  const button = form.querySelector("button");
  button.disabled = true;
  say("");
  try {
    const { response, answer } = await post(path, body);
    if (response.ok) done(answer);
    else say(refused(response, answer));
  } catch {
    say(texts.busy);
  } finally {
    button.disabled = false;
  }
}

login.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = { name: login.elements.name.value, password: login.elements.password.value };
  send(login, "/api/login", body, (answer) => {
    if (!answer.must_change) return location.assign(texts.to);
    login.hidden = true;
    change.hidden = false;
    change.elements.new.focus();
  });
});

change.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = {
    old: login.elements.password.value,
    new: change.elements.new.value,
    confirm: change.elements.confirm.value,
  };
  send(change, "/api/accounts/password", body, () => location.assign(texts.to));
});

login.elements.name.focus();
