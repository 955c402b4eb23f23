using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using Microsoft.Extensions.Options;

namespace AsArm.Extensions.DependencyInjection;

/// <summary>Refuses options that no model can be opened with.</summary>
internal sealed class AsArmOptionsValidator : IValidateOptions<AsArmOptions>
{
    public ValidateOptionsResult Validate(string? name, AsArmOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var failures = new List<string>();
        Require(!string.IsNullOrWhiteSpace(options.ModelPath), $"{nameof(options.ModelPath)} is missing: the path of a model folder.");
        Require(
            options.Threads is null or (>= 1 and <= TextInfillerOptions.MaxThreads),
            $"{nameof(options.Threads)} is {options.Threads}, it must be from 1 to {TextInfillerOptions.MaxThreads}.");
        Require(options.MaxQueuedRequests >= 1, $"{nameof(options.MaxQueuedRequests)} is {options.MaxQueuedRequests}, it must be at least 1.");
        Require(Device.TryParse(options.Device, out _), $"{nameof(options.Device)} is {options.Device}, which is not a device.");
        Require(options.DeviceOptions is not null, $"{nameof(options.DeviceOptions)} is null.");
        Require(Enum.IsDefined(options.DraftMode), $"{nameof(options.DraftMode)} is {options.DraftMode}, which is not a draft mode.");
        Require(Enum.IsDefined(options.QueueFullMode), $"{nameof(options.QueueFullMode)} is {options.QueueFullMode}, which is not a mode of the queue.");
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures.Select(failure => $"{AsArmOptions.SectionName}: {failure}"));

        void Require(bool condition, string failure)
        {
            if (!condition)
                failures.Add(failure);
        }
    }
}
