// A message centre (SMSC) for tests: npm's smpp, which behaves as it is told.
//
//   node smsc.js '{"host": "127.0.0.1", "port": 0, "control": 0, "ports": "ports.json", "journal": "journal.jsonl", "modules": ".../node_modules",
//     "system_id": "me", "password": "secret"}'
//
// password_file, instead of password, names a file that holds it.
//
// It writes the ports that it has taken to the file of that name. At the control port it listens for HTTP: PUT /behaviour replaces how it behaves, POST /unbind,
// /drop, /garbage and /mobile do something to every bind at once. What comes is written to the journal, a JSON object a
// line, before it is answered.
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');

const options = JSON.parse(process.argv[2]);
if (options.password_file) options.password = fs.readFileSync(options.password_file, 'utf8').trim();
const smpp = require(path.join(options.modules, 'smpp'));

// Raw, as it was written: the library makes a Date of it.
delete smpp.commands.submit_sm.params.validity_period.filter;

const journal = fs.openSync(options.journal, 'a');
const note = (entry) => fs.writeSync(journal, JSON.stringify(entry) + '\n');
const micros = () => Math.round((performance.timeOrigin + performance.now()) * 1000);

// Defaults: everything is taken at once, nothing comes back. Numbers are counted down where "times" says so.
let behaviour = {};
let submits = 0;
let lastID = 0x1000;
let outstanding = 0;
let nextAnswer = 0; // where answers have a rate
const sessions = new Set();

// spend says whether something is to be done once more: behaviour[name] is how often, -1 is always.
function spend(name) {
  const left = behaviour[name] || 0;
  if (left > 0) behaviour[name] = left - 1;
  return left !== 0;
}

function bind(session, pdu) {
  const wrong = pdu.system_id !== options.system_id || pdu.password !== options.password;
  const status = behaviour.refuse_bind || (wrong ? smpp.ESME_RINVPASWD : 0);
  note({event: 'bind', at: micros(), command: pdu.command, system_id: pdu.system_id, system_type: pdu.system_type, status});
  if (behaviour.silent_bind) return;
  session.send(pdu.response({command_status: status, system_id: 'smsc'}));
  if (status) {
    session.close();
    return;
  }
  session.bound = true;
  sessions.add(session);
}

function noteSubmit(pdu, status, messageID) {
  const {udh, message} = typeof pdu.short_message === 'object' ? pdu.short_message : {message: pdu.short_message};
  note({
    event: 'submit', at: micros(), status, message_id: messageID, outstanding,
    source: pdu.source_addr, source_ton: pdu.source_addr_ton, source_npi: pdu.source_addr_npi,
    destination: pdu.destination_addr, destination_ton: pdu.dest_addr_ton, destination_npi: pdu.dest_addr_npi,
    service_type: pdu.service_type, esm_class: pdu.esm_class, priority: pdu.priority_flag, validity: pdu.validity_period,
    registered: pdu.registered_delivery, data_coding: pdu.data_coding,
    udh: udh ? Buffer.concat(udh).toString('hex') : '', text: String(message),
  });
}

function submit(session, pdu) {
  submits++;
  const id = ++lastID;
  const answerID = behaviour.hex_ids ? id.toString(16).toUpperCase() : String(id);
  const throttled = behaviour.throttle_of && (submits - 1) % behaviour.throttle_of < behaviour.throttle;
  const status = throttled ? behaviour.throttle_status || smpp.ESME_RTHROTTLED : spend('fail') ? behaviour.fail_status : 0;
  outstanding++;
  if (!behaviour.journal_prefix || pdu.destination_addr.startsWith(behaviour.journal_prefix)) noteSubmit(pdu, status, status ? '' : answerID);
  if (spend('drop_before')) {
    outstanding = 0;
    session.destroy();
    return;
  }
  if (spend('silent')) return;
  const answer = () => {
    outstanding--;
    const after = spend('drop_after');
    if (spend('nack')) {
      session.send(new smpp.PDU('generic_nack', {command_status: smpp.ESME_RINVCMDID, sequence_number: pdu.sequence_number}));
    } else {
      session.send(pdu.response({command_status: status, message_id: answerID}), () => after && session.destroy());
    }
    if (!status && (pdu.registered_delivery & 1) && behaviour.receipts) receipt(pdu, id, answerID);
  };
  if (behaviour.rate) {
    // A timer that is late does not make the next answer late.
    nextAnswer = Math.max(nextAnswer, performance.now()) + 1000 / behaviour.rate;
    setTimeout(answer, nextAnswer - performance.now());
  } else if (behaviour.delay_ms) setTimeout(answer, behaviour.delay_ms);
  else answer();
}

function receipt(pdu, id, answerID) {
  const delivered = behaviour.receipts === 'delivered' || (behaviour.receipts === 'alternately' && id % 2 === 0);
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(2, 12);
  const textID = behaviour.hex_ids ? String(id).padStart(10, '0') : answerID;
  const tlv = {receipted_message_id: answerID, message_state: delivered ? 2 : 5};
  const text = `id:${textID} sub:001 dlvrd:00${delivered ? 1 : 0} submit date:${stamp} done date:${stamp} ` +
    `stat:${delivered ? 'DELIVRD' : 'UNDELIV'} err:${delivered ? '000' : '027'} text:${String(pdu.short_message.message).slice(0, 20)}`;
  const style = behaviour.receipt_style || 'text';
  const deliver = {
    source_addr: pdu.destination_addr, source_addr_ton: 1, source_addr_npi: 1, destination_addr: pdu.source_addr,
    esm_class: 4, short_message: style === 'tlv' ? Buffer.alloc(0) : Buffer.from(text, 'latin1'),
    ...(style === 'text' ? {} : tlv),
  };
  const send = () => {
    const [session] = sessions;
    if (!session) {
      setTimeout(send, 50);
      return;
    }
    session.deliver_sm({...deliver}, (resp) => {
      note({event: 'receipt', at: micros(), message_id: answerID, status: resp.command_status});
      if (resp.command_status === smpp.ESME_RX_T_APPN) setTimeout(send, behaviour.repeat_ms || 100);
    });
  };
  setTimeout(send, behaviour.receipt_after_ms || 0);
}

const server = smpp.createServer(options.cert ? {cert: fs.readFileSync(options.cert), key: fs.readFileSync(options.key)} : {}, (session) => {
  session.on('error', () => session.destroy());
  session.on('close', () => sessions.delete(session));
  session.on('bind_transceiver', (pdu) => bind(session, pdu));
  session.on('submit_sm', (pdu) => (session.bound ? submit(session, pdu) : session.send(pdu.response({command_status: smpp.ESME_RINVBNDSTS}))));
  session.on('enquire_link', (pdu) => {
    note({event: 'enquire', at: micros()});
    if (!behaviour.ignore_enquiries) session.send(pdu.response());
  });
  session.on('unbind', (pdu) => {
    note({event: 'unbind', at: micros()});
    session.send(pdu.response(), () => session.close());
  });
});
server.listen(options.port, options.host, () => control.listen(options.control, options.host, () => {
  fs.writeFileSync(options.ports + '.new', JSON.stringify({port: server.address().port, control: control.address().port}));
  fs.renameSync(options.ports + '.new', options.ports);
}));

const commands = {
  '/unbind': (session) => session.unbind(() => session.close()),
  '/drop': (session) => session.destroy(),
  '/garbage': (session) => session.socket.write(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')),
  '/unknown': (session) => session.socket.write(Buffer.from('00000010000001230000000000000009', 'hex')),
  '/truncated': (session) => session.socket.write(Buffer.from('0000001200000005000000000000000a4142', 'hex')),
  '/enquire': (session) => session.enquire_link(() => note({event: 'enquire_answer', at: micros()})),
  '/mobile': (session) => session.deliver_sm({source_addr: '966500000000', short_message: 'id:4097 stat:DELIVRD err:000'},
    (resp) => note({event: 'mobile', at: micros(), status: resp.command_status})),
};

const control = http.createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    if (req.url === '/behaviour') {
      behaviour = JSON.parse(Buffer.concat(chunks));
      submits = 0;
      nextAnswer = 0;
    } else if (req.url === '/binds') {
      res.end(String(sessions.size));
      return;
    } else if (commands[req.url]) {
      for (const session of sessions) commands[req.url](session);
    } else {
      res.statusCode = 404;
    }
    res.end();
  });
});
