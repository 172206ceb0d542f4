<#
.SYNOPSIS
Keeps room mailboxes from spoiling the invitations that they accept.

.DESCRIPTION
By default a room mailbox writes the organizer's name in place of the subject, deletes the text (and
with it the link of a Teams or Zoom event), and takes the private flag away. This sets all four to
$false, and leaves alone a room that is set already. It holds for invitations that come later:
those that were accepted stay as they are until they are sent again.

It runs in Exchange Online PowerShell and in the Exchange Management Shell, and may be run again at
any time. With -WhatIf it says what it would do, and does nothing.

.PARAMETER Mailbox
Mail addresses of rooms; without it, every room mailbox.

.PARAMETER AutoAccept
Let the rooms accept invitations by themselves, too, where nobody else is in the room's time. Do not
set it for rooms whose invitations somebody is to look at.

.EXAMPLE
.\Set-RoomProcessing.ps1 -Mailbox aula@example.org, boardroom@example.org -AutoAccept -WhatIf
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [string[]] $Mailbox,

    [switch] $AutoAccept
)

# The first failure ends it. Exchange's cmdlets are functions of a module here, which do not see the
# preference of a script: each of them is told.
$ErrorActionPreference = 'Stop'
$PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }

if (-not $Mailbox) {
    $rooms = Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited
    $Mailbox = $rooms | ForEach-Object { $_.PrimarySmtpAddress.ToString() }
}
if (-not $Mailbox) {
    throw 'No room mailbox is there that you may see.'
}

foreach ($room in $Mailbox) {
    $now = Get-CalendarProcessing -Identity $room
    $wanted = @{}
    foreach ($setting in 'AddOrganizerToSubject', 'DeleteSubject', 'DeleteComments', 'RemovePrivateProperty') {
        if ($now.$setting) {
            $wanted[$setting] = $false
        }
    }
    if ($AutoAccept -and "$($now.AutomateProcessing)" -ne 'AutoAccept') {
        $wanted['AutomateProcessing'] = 'AutoAccept'
    }
    if ($wanted.Count -and $PSCmdlet.ShouldProcess($room, "set $($wanted.Keys -join ', ')")) {
        Set-CalendarProcessing -Identity $room @wanted
    }
}
