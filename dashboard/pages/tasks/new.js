// A new task.

import { html, useState } from '../../core/html.js';
import { change } from '../../core/api.js';
import { draft, forgetDrafts } from '../../core/drafts.js';
import { go, href } from '../../core/router.js';
import { notifyError } from '../../core/store.js';
import { session } from '../../core/session.js';
import { Modal } from '../../parts/dialog.js';
import { t } from '../../texts.js';

/** @param {{close: () => void}} props */
export function NewTask({ close }) {
  const [busy, setBusy] = useState(false);
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const field = (/** @type {string} */ name) => String(form.get(name) ?? '').trim();
    setBusy(true);
    try {
      const made = await change('POST', '/api/tasks', { body: {
        title: field('title'), body: field('body') || undefined, project: field('project') || undefined,
        priority: Number(field('priority')), depends_on: field('after').split(/[\s,]+/).filter(Boolean),
      } });
      forgetDrafts('task');
      close();
      go(href('tasks', { task: made.id }));
    } catch (error) {
      notifyError(error);
      setBusy(false);
    }
  };
  return html`<${Modal} title=${t.tasks.create} close=${close}>
    <form class="modal-form" onSubmit=${submit}>
      <div class="modal-body">
        <label class="form-row"><span class="label">${t.tasks.title}</span><input class="input" name="title" required maxlength="200" autocomplete="off" data-autofocus ...${draft('task.title')} /></label>
        <label class="form-row"><span class="label">${t.tasks.body}</span><textarea class="input" name="body" rows="4" ...${draft('task.body')}></textarea></label>
        <label class="form-row"><span class="label">${t.tasks.priority}</span><span class="select"><select name="priority">${t.tasks.priorities.map((text, value) => html`<option key=${value} value=${value} selected=${value === 2}>${text}</option>`)}</select></span></label>
        <label class="form-row"><span class="label">${t.tasks.after}</span><input class="input" name="after" placeholder="T-3 T-4" autocomplete="off" /></label>
        ${!session.value?.project && html`<label class="form-row"><span class="label">${t.tasks.project}</span><input class="input" name="project" placeholder="default" autocomplete="off" /></label>`}
      </div>
      <footer class="modal-foot"><button type="button" class="button" onClick=${close}>${t.cancel}</button><button type="submit" class="button primary" disabled=${busy}>${t.tasks.createAction}</button></footer>
    </form>
  <//>`;
}
