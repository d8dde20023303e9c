// Before anything is painted, so that who chose the dark does not see a flash of the light.
document.documentElement.dataset['theme'] = localStorage.getItem('mayfly-theme') ?? 'system';
