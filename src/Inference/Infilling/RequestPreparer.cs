using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>Makes jobs of requests, or refuses them; a text that comes several times in a row is tokenised once.</summary>
/// <param name="encode">Parses and tokenises a text.</param>
/// <param name="setting">The infiller's.</param>
/// <param name="mode">The mode of requests that do not name one.</param>
internal sealed class RequestPreparer(Func<InfillRequest, WindowedText> encode, InfillSetting setting, DraftMode mode)
{
    private InfillRequest? _last; // of which there is a text or an error
    private WindowedText? _encoded;
    private InfillTextException? _error;

    /// <summary>A job, or a refusal.</summary>
    /// <exception cref="ArgumentNullException">No request at all.</exception>
    public PendingRequest Make(InfillRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        try
        {
            ArgumentNullException.ThrowIfNull(request.Options);
            return new PendingRequest(request, new InfillJob(Encode(request), request.Options, setting, mode), null);
        }
        catch (Exception error) when (error is InfillTextException or ArgumentException)
        {
            return new PendingRequest(request, null, error);
        }
    }

    private WindowedText Encode(InfillRequest request)
    {
        ArgumentNullException.ThrowIfNull(request.Text);
        if (_last is null || !HasTheSameText(_last, request))
        {
            _last = null;
            try
            {
                (_encoded, _error) = (encode(request), null);
            }
            catch (InfillTextException error)
            {
                (_encoded, _error) = (null, error);
            }

            _last = request;
        }

        return _encoded?.Copy() ?? throw _error!;
    }

    private static bool HasTheSameText(InfillRequest one, InfillRequest other) =>
        one.Text == other.Text && one.IsOfPrompt == other.IsOfPrompt
        && one.Options.GapSpacing == other.Options.GapSpacing && one.Options.Window == other.Options.Window;
}
