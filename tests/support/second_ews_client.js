// Another EWS client's look at a mailbox: calendar view, item, synchronisation; told as JSON.
// node look.js URL USER PASSWORD MAILBOX START END, with ews-javascript-api to be required.
const ews = require("ews-javascript-api");

const [url, user, password, mailbox, start, end] = process.argv.slice(2);

async function main() {
  const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2013_SP1);
  service.Credentials = new ews.WebCredentials(user, password);
  service.Url = new ews.Uri(url);
  service.ImpersonatedUserId = new ews.ImpersonatedUserId(
    ews.ConnectingIdType.SmtpAddress,
    mailbox,
  );
  const folder = new ews.FolderId(
    ews.WellKnownFolderName.Calendar,
    new ews.Mailbox(mailbox),
  );
  const view = new ews.CalendarView(ews.DateTime.Parse(start), ews.DateTime.Parse(end));
  view.PropertySet = new ews.PropertySet(ews.BasePropertySet.FirstClassProperties);
  const found = await service.FindAppointments(folder, view);
  const appointments = found.Items.map((one) => ({
    id: one.Id.UniqueId,
    subject: one.Subject,
    start: one.Start.ToISOString(),
    end: one.End.ToISOString(),
    kind: ews.AppointmentType[one.AppointmentType],
    uid: one.ICalUid,
  }));
  const whole = await ews.Appointment.Bind(service, new ews.ItemId(found.Items[0].Id.UniqueId));
  const changes = await service.SyncFolderItems(
    folder,
    new ews.PropertySet(ews.BasePropertySet.FirstClassProperties),
    null,
    100,
    ews.SyncFolderItemsScope.NormalItems,
    null,
  );
  const again = await service.SyncFolderItems(
    folder,
    ews.PropertySet.IdOnly,
    null,
    100,
    ews.SyncFolderItemsScope.NormalItems,
    changes.SyncState,
  );
  console.log(
    JSON.stringify({
      appointments,
      bound: {
        subject: whole.Subject,
        organizer: whole.Organizer.Address,
        resources: whole.Resources.GetEnumerator().map((one) => one.Address),
      },
      created: changes.Count,
      after: again.Count,
    }),
  );
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
