<#
.SYNOPSIS
Writes what Exchange's room mailboxes do to invitations into a file, for
`cospaced doctor --processing FILE`.

.DESCRIPTION
It reads only. It runs in Exchange Online PowerShell and in the Exchange Management Shell. Copy the
file to the machine with cospaced. It holds mail addresses and settings, and no event.

.PARAMETER Path
The file to write; one that is there is written anew.

.PARAMETER Mailbox
Mail addresses of rooms; without it, every room mailbox.

.EXAMPLE
.\Export-RoomProcessing.ps1 -Path rooms.csv
#>
[CmdletBinding()]
param(
    [string] $Path = 'rooms.csv',

    [string[]] $Mailbox
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

$told = foreach ($room in $Mailbox) {
    $now = Get-CalendarProcessing -Identity $room
    [PSCustomObject]@{
        Mailbox               = $room
        AutomateProcessing    = $now.AutomateProcessing
        AddOrganizerToSubject = $now.AddOrganizerToSubject
        DeleteSubject         = $now.DeleteSubject
        DeleteComments        = $now.DeleteComments
        RemovePrivateProperty = $now.RemovePrivateProperty
    }
}
$told | Export-Csv -Path $Path -NoTypeInformation -Encoding UTF8
