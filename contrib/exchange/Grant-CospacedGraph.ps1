<#
.SYNOPSIS
Lets an application read the calendars of the rooms in Exchange Online, and of nobody else
(type = graph).

.DESCRIPTION
Run it in Exchange Online PowerShell (Connect-ExchangeOnline), as a member of Organization
Management. Before that, in the Entra admin center:
1. App registrations > New registration: no redirect URI, no API permission, no consent.
2. Certificates & secrets > New client secret: its value goes to client_secret, and it ends on the
   day that is told there.
3. Enterprise applications > this application: take the Application ID and the Object ID. The object
   ID of the app registration is another one, and does not do.

It makes, where it is not there yet, what Exchange calls RBAC for Applications:
- a reference to the application;
- a management scope that holds the room mailboxes, and those that come later;
- an assignment of the role "Application Calendars.Read" to the application for that scope.

A consent to Calendars.Read in Entra would be added to that, and opens every calendar of the tenant:
`cospaced doctor` tells where there is one. What is granted here holds after 30 minutes to two hours.

It may be run again at any time. With -WhatIf it says what it would do, and does nothing.

.PARAMETER AppId
Application (client) ID: client_id in cospaced.ini.

.PARAMETER ObjectId
Object ID of the enterprise application.

.PARAMETER Group
Only the rooms in this group, its direct members; without it, every room mailbox.

.PARAMETER Room
A room to test the grant with.

.EXAMPLE
.\Grant-CospacedGraph.ps1 -AppId 66666666-7777-8888-9999-000000000000 -ObjectId 11111111-2222-3333-4444-555555555555 -Room aula@example.org
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [Parameter(Mandatory = $true)]
    [guid] $AppId,

    [Parameter(Mandatory = $true)]
    [guid] $ObjectId,

    [string] $Group,

    [string] $Room,

    [string] $Scope = 'cospaced rooms',

    [string] $Assignment = 'cospaced calendars'
)

# The first failure ends it. Exchange's cmdlets are functions of a module here, which do not see the
# preference of a script: each of them is told.
$ErrorActionPreference = 'Stop'
$PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }

# The application, as Exchange knows it.
$app = Get-ServicePrincipal -Identity $ObjectId.ToString() -ErrorAction SilentlyContinue
if (-not $app) {
    if ($PSCmdlet.ShouldProcess($AppId, 'make the reference to the application')) {
        New-ServicePrincipal -AppId $AppId -ObjectId $ObjectId -DisplayName 'cospaced' | Out-Null
    }
}

# The rooms that it may read. A filter, so that a room made next year is in the scope by itself.
$filter = "RecipientTypeDetails -eq 'RoomMailbox'"
if ($Group) {
    $name = (Get-Group -Identity $Group).DistinguishedName.Replace("'", "''")
    $filter = "MemberOfGroup -eq '$name'"
}
$known = Get-ManagementScope -Identity $Scope -ErrorAction SilentlyContinue
if (-not $known) {
    if ($PSCmdlet.ShouldProcess($Scope, "make the scope: $filter")) {
        New-ManagementScope -Name $Scope -RecipientRestrictionFilter $filter | Out-Null
    }
}
elseif ($PSBoundParameters.ContainsKey('Group')) {
    if ($PSCmdlet.ShouldProcess($Scope, "set the scope: $filter")) {
        Set-ManagementScope -Identity $Scope -RecipientRestrictionFilter $filter
    }
}

# The right to read their calendars.
$given = Get-ManagementRoleAssignment -Identity $Assignment -ErrorAction SilentlyContinue
if (-not $given) {
    if ($PSCmdlet.ShouldProcess($AppId, "assign Application Calendars.Read for $Scope")) {
        $right = @{
            Name                = $Assignment
            App                 = $ObjectId.ToString()
            Role                = 'Application Calendars.Read'
            CustomResourceScope = $Scope
        }
        New-ManagementRoleAssignment @right | Out-Null
    }
}

# InScope: True is what is wanted. This asks Exchange itself, without the wait for its caches.
if ($Room -and -not $WhatIfPreference) {
    Test-ServicePrincipalAuthorization -Identity $ObjectId.ToString() -Resource $Room
}

Write-Output "cospaced.ini: type = graph, client_id = $AppId"
