<#
.SYNOPSIS
Lets an account read the calendars of all rooms of an Exchange Server (type = exchange).

.DESCRIPTION
For Exchange Server 2016, 2019 and Subscription Edition on your own premises, in the Exchange
Management Shell. Exchange Online has no such role any more: see Grant-CospacedGraph.ps1.

It makes, where it is not there yet:
- the account, with a mailbox of its own that no address list shows;
- a management scope that holds the room mailboxes, and those that come later;
- an assignment of the role ApplicationImpersonation to the account for that scope alone;
- with -Throttling, a policy without limits for the account and the rooms, since Exchange charges
  the requests of somebody who impersonates to the impersonated mailbox.

It may be run again at any time. With -WhatIf it says what it would do, and does nothing.

.PARAMETER Account
User principal name of the account, such as svc-cospaced@example.org. Write it as username in
cospaced.ini.

.PARAMETER Password
For an account that is to be made.

.PARAMETER Group
Only the rooms in this distribution group; without it, every room mailbox.

.PARAMETER Throttling
Make and assign the throttling policy, too. Needed only where `cospaced doctor` or the journal tells
that Exchange asks to be asked less often.

.EXAMPLE
.\New-CospacedAccount.ps1 -Account svc-cospaced@example.org -Password (Read-Host -AsSecureString) -WhatIf
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [Parameter(Mandatory = $true)]
    [string] $Account,

    [System.Security.SecureString] $Password,

    [string] $Group,

    [switch] $Throttling,

    [string] $Scope = 'cospaced rooms',

    [string] $Assignment = 'cospaced impersonation',

    [string] $Policy = 'Cospaced'
)

# The first failure ends it. Exchange's cmdlets are functions of a module here, which do not see the
# preference of a script: each of them is told.
$ErrorActionPreference = 'Stop'
$PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }

# The account.
$user = Get-User -Identity $Account -ErrorAction SilentlyContinue
if (-not $user) {
    if (-not $Password) {
        throw "There is no account $Account. Give -Password, and it is made."
    }
    if ($PSCmdlet.ShouldProcess($Account, 'make the account and its mailbox')) {
        $name = $Account.Split('@')[0]
        New-Mailbox -Name $name -UserPrincipalName $Account -Password $Password | Out-Null
        Set-Mailbox -Identity $Account -HiddenFromAddressListsEnabled $true
    }
}

# The rooms that it may read. A filter, so that a room made next year is in the scope by itself.
$filter = "RecipientTypeDetails -eq 'RoomMailbox'"
if ($Group) {
    $name = (Get-DistributionGroup -Identity $Group).DistinguishedName.Replace("'", "''")
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

# The right to act for them.
$given = Get-ManagementRoleAssignment -Identity $Assignment -ErrorAction SilentlyContinue
if (-not $given) {
    if ($PSCmdlet.ShouldProcess($Account, "assign ApplicationImpersonation for $Scope")) {
        $right = @{
            Name                      = $Assignment
            Role                      = 'ApplicationImpersonation'
            User                      = $Account
            CustomRecipientWriteScope = $Scope
        }
        New-ManagementRoleAssignment @right | Out-Null
    }
}

# An older assignment without a scope would let it act for everybody. It is told, and left alone.
$all = Get-ManagementRoleAssignment -Role 'ApplicationImpersonation' -RoleAssignee $Account -ErrorAction SilentlyContinue
foreach ($one in $all) {
    if (-not $one.CustomRecipientWriteScope) {
        Write-Warning "$($one.Name) lets $Account act for more than the rooms. Remove it if nothing needs it."
    }
}

# What Exchange allows it, and the rooms it acts for.
if ($Throttling) {
    if (-not (Get-ThrottlingPolicy -Identity $Policy -ErrorAction SilentlyContinue)) {
        if ($PSCmdlet.ShouldProcess($Policy, 'make the throttling policy')) {
            $limits = @{
                Name                  = $Policy
                ThrottlingPolicyScope = 'Regular'
                EwsMaxConcurrency     = 'Unlimited'
                EwsMaxBurst           = 'Unlimited'
                EwsRechargeRate       = 'Unlimited'
                EwsCutoffBalance      = 'Unlimited'
            }
            New-ThrottlingPolicy @limits | Out-Null
        }
    }
    $rooms = Get-Recipient -Filter $filter -RecipientTypeDetails RoomMailbox -ResultSize Unlimited
    foreach ($one in @($Account) + @($rooms | ForEach-Object { $_.PrimarySmtpAddress.ToString() })) {
        if ($PSCmdlet.ShouldProcess($one, "assign the throttling policy $Policy")) {
            Set-ThrottlingPolicyAssociation -Identity $one -ThrottlingPolicy $Policy
        }
    }
}

Write-Output "cospaced.ini: type = exchange, access = impersonation, username = $Account"
